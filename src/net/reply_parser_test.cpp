#include "net/reply_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ia {
namespace {

using Result = ReplyParser::Result;

struct Read {
  std::vector<std::string> bodies;
  std::vector<unsigned> statuses;
  bool sound = true;
  bool keeps = true;
  std::size_t left = 0;
  friend bool operator==(const Read&, const Read&) = default;
};

// Reads all of `bytes`, given in pieces of `piece` bytes.
Read read_all(std::string_view bytes, std::size_t piece, bool slow_only = false) {
  ReplyParser parser;
  if (slow_only) parser.use_slow_path_only();
  Read read;
  std::string held;
  while (read.sound && (!bytes.empty() || !held.empty())) {
    const auto taken = bytes.substr(0, piece);
    bytes.remove_prefix(taken.size());
    held += taken;
    while (!held.empty()) {
      std::size_t used = 0;
      const auto result = parser.read(held, used);
      if (result == Result::kReply) {
        read.bodies.emplace_back(parser.reply().body);
        read.statuses.push_back(parser.reply().status);
        read.keeps = read.keeps && parser.reply().keep_alive;
      }
      held.erase(0, used);
      read.sound = result != Result::kUnsound;
      if (result != Result::kReply) break;
    }
    if (taken.empty()) break;
  }
  read.left = held.size();
  return read;
}

constexpr std::string_view kExpress =
    "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Content-Length: 12\r\nETag: W/\"c-abc\"\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\n"
    "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n{\"pk\":12345}";
constexpr std::string_view kChunked =
    "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

// Replies come in any pieces, and several at once when requests are pipelined.
TEST(ReplyParser, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string bytes = std::string(kExpress) + std::string(kChunked) + std::string(kExpress);
  const auto whole = read_all(bytes, bytes.size());
  ASSERT_EQ(whole.bodies, (std::vector<std::string>{"{\"pk\":12345}", "hello", "{\"pk\":12345}"}));
  ASSERT_EQ(whole.statuses, (std::vector<unsigned>{200, 500, 200}));
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    EXPECT_EQ(read_all(bytes, piece), whole) << "pieces of " << piece;
  }
}

TEST(ReplyParser, AgreesWithItsSlowPath) {
  const std::string replies[] = {
      std::string(kExpress),
      std::string(kChunked),
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 429 Slow\r\ncontent-length: 0\r\nRETRY-AFTER: 3\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nNo colon\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
      "<html>what?</html>\r\n\r\n"};
  for (const auto& reply : replies) {
    EXPECT_EQ(read_all(reply, reply.size()), read_all(reply, reply.size(), true)) << reply;
    EXPECT_EQ(read_all(reply, 1), read_all(reply, 1, true)) << reply;
  }
}

// Beast's parser aborts on some cuts of it.
TEST(ReplyParser, ReadsAnEmptyChunkedBodyHoweverItIsCut) {
  const std::string bytes = "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(read_all(bytes, piece).bodies, std::vector<std::string>{""}) << piece;
  }
}

TEST(ReplyParser, PassesOverInterimReplies) {
  const std::string interim =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const auto bytes = interim + std::string(kExpress) + interim + std::string(kChunked);
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    const auto read = read_all(bytes, piece);
    EXPECT_EQ(read.statuses, (std::vector<unsigned>{200, 500})) << "pieces of " << piece;
    EXPECT_EQ(read.left, 0u);
    EXPECT_EQ(read, read_all(bytes, piece, true));
  }
}

// Nobody asked for it, and what follows is no HTTP.
TEST(ReplyParser, RefusesAChangeOfProtocol) {
  const auto* bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
  EXPECT_FALSE(read_all(bytes, 1'000).sound);
}

TEST(ReplyParser, RefusesWhatIsTooLarge) {
  const auto header = "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n";
  EXPECT_FALSE(read_all(header, header.size()).sound);
  const auto body = "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'a');
  EXPECT_FALSE(read_all(body, 1'000).sound);
  const auto chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
                      std::string(70'000, 'a') + "\r\n0\r\n\r\n";
  EXPECT_FALSE(read_all(chunks, 1'000).sound);
}

TEST(ReplyParser, EndsABodyWithItsConnectionWhenNothingElseDoes) {
  ReplyParser parser;
  std::size_t used = 0;
  ASSERT_EQ(parser.read("HTTP/1.1 200 OK\r\n\r\nall of it", used), Result::kNeedMore);
  ASSERT_EQ(parser.end(), Result::kReply);
  EXPECT_EQ(parser.reply().body, "all of it");
  EXPECT_FALSE(parser.reply().keep_alive);
}

TEST(ReplyParser, DoesNotTakeACutBodyForAWholeOne) {
  ReplyParser parser;
  std::size_t used = 0;
  ASSERT_EQ(parser.read(kExpress.substr(0, kExpress.size() - 3), used), Result::kNeedMore);
  EXPECT_NE(parser.end(), Result::kReply);
}

}  // namespace
}  // namespace ia
