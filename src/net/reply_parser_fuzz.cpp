#include <cstdlib>
#include <string>
#include <vector>

#include "net/reply_parser.h"

namespace {

using ia::ReplyParser;

struct Reply {
  unsigned status;
  std::string body;
  bool is_compressed;
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
        replies.push_back({r.status, std::string(r.body), r.is_compressed, r.keep_alive,
                           std::string(r.retry_after)});
      }
      held.erase(0, used);
      if (result == ReplyParser::Result::kUnsound) return replies;
      if (result != ReplyParser::Result::kReply) break;
    }
  }
  return replies;
}

}  // namespace

// What is read does not depend on how the bytes are cut.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string bytes(data + 1, data + size);
  const std::size_t piece = 1 + data[0];
  if (read(bytes, piece) != read(bytes, bytes.size() + 1)) std::abort();
  return 0;
}
