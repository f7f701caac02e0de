#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/reply_parser.h"
#include "net/retry_after.h"

namespace {

using ia::ReplyParser;

struct Reply {
  unsigned status;
  std::string body;
  bool is_unreadable;
  bool keep_alive;
  std::string retry_after;
  friend bool operator==(const Reply&, const Reply&) = default;
};

// The replies that are read before the first unsound byte.
std::vector<Reply> read(std::string_view bytes, std::size_t piece) {
  ReplyParser parser;
  std::vector<Reply> replies;
  std::string held;
  while (!bytes.empty()) {
    const auto taken = bytes.substr(0, piece);
    held += taken;
    bytes.remove_prefix(taken.size());
    while (!held.empty()) {
      std::size_t used = 0;
      const auto result = parser.read(held, used);
      if (used > held.size()) std::abort();
      if (result == ReplyParser::Result::kReply) {
        const auto& r = parser.reply();
        replies.push_back({r.status, std::string(r.body), r.is_unreadable, r.keep_alive,
                           std::string(r.retry_after)});
      }
      held.erase(0, used);
      if (result == ReplyParser::Result::kUnsound) return replies;
      if (result != ReplyParser::Result::kReply) break;
    }
  }
  return replies;
}

void check_wait(std::string_view text) {
  constexpr std::chrono::seconds kLeast{1};
  const ia::WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  const auto wait = ia::parse_retry_after(text, now);
  if (wait && (*wait < kLeast || *wait > ia::kRetryAfterMax)) std::abort();
  for (const char c : ia::describe_retry_after(text, wait, kLeast)) {
    if (c < ' ' || c > '~') std::abort();
  }
}

}  // namespace

// What is read does not depend on how the bytes are cut, and a wait is one that the lane can take.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string bytes(data + 1, data + size);
  const std::size_t piece = 1 + data[0];
  const auto replies = read(bytes, piece);
  if (replies != read(bytes, bytes.size() + 1)) std::abort();
  for (const auto& reply : replies) check_wait(reply.retry_after);
  check_wait(bytes);
  return 0;
}
