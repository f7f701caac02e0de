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
Read read_all(std::string_view bytes, std::size_t piece) {
  ReplyParser parser;
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

// What a reply means, to the letter: no library decides it.
struct Judged {
  std::string bytes;
  std::string seen;
};

// "200 body keep", "unsound", or "more".
std::string seen_in(std::string_view bytes, std::size_t piece) {
  const auto read = read_all(bytes, piece);
  if (!read.sound) return "unsound";
  if (read.bodies.empty()) return "more";
  return std::to_string(read.statuses[0]) + " " + read.bodies[0] +
         (read.keeps ? " keep" : " close");
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kTwo = "Content-Length: 2\r\n";

void expect_judged(const std::vector<Judged>& replies) {
  for (const auto& [bytes, seen] : replies) {
    for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{5}}) {
      EXPECT_EQ(seen_in(bytes, piece), seen) << "in pieces of " << piece << ": " << bytes;
    }
  }
}

TEST(ReplyParser, ReadsWhatServersMaySend) {
  expect_judged({
      {std::string(kExpress), "200 {\"pk\":12345} keep"},
      {std::string(kChunked), "500 hello keep"},
      {kOk + "Content-Length: 2\r\nConnection: close\r\n\r\nok", "200 ok close"},
      {kOk + "connection:KEEP-ALIVE, Upgrade\r\ncontent-LENGTH:2\r\n\r\nok", "200 ok keep"},
      {"HTTP/1.0 200 OK\r\n" + kTwo + "\r\nok", "200 ok close"},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + kTwo + "\r\nok", "200 ok keep"},
      {"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\nRETRY-AFTER: 3\r\n\r\n", "429  keep"},
      {"HTTP/1.1 204 No Content\r\n" + kTwo + "\r\n", "204  keep"},
      {"HTTP/1.1 304 Not Modified\r\n\r\n", "304  keep"},
      {"HTTP/1.1 599 \r\n" + kTwo + "\r\nok", "599 ok keep"},
      {"HTTP/1.1 599\r\n" + kTwo + "\r\nok", "599 ok keep"},
      {"HTTP/1.0 599\r\n" + kTwo + "\r\nok", "599 ok close"},
      {"HTTP/1.2 200 OK\r\n" + kTwo + "\r\nok", "200 ok keep"},
      {kOk + kTwo + kTwo + "\r\nok", "200 ok keep"},
      {kOk + "Content-Length: 2, 2\r\n\r\nok", "200 ok keep"},
      {kOk + "Folded: a\r\n b\r\n" + kTwo + "\r\nok", "200 ok keep"},
      {kOk + "Content-Length:\r\n\t2\r\n\r\nok", "200 ok keep"},
      {kOk + "X:\r\nY: \xc3\xa4\t\r\n" + kTwo + "\r\nok", "200 ok keep"},
      {kOk + "Transfer-Encoding: gzip, Chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\n",
       "200 ok keep"},
      {kOk + "\r\nto the end", "more"},
      {kOk + "Transfer-Encoding: gzip\r\n\r\nto the end", "more"},
  });
}

TEST(ReplyParser, RefusesWhatIsOddOrAmbiguous) {
  expect_judged({
      {kOk + kTwo + "Content-Length: 3\r\n\r\nok!", "unsound"},
      {kOk + kTwo + "Transfer-Encoding: chunked\r\n\r\nok", "unsound"},
      {kOk + "Transfer-Encoding: chunked\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "unsound"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\nx\r\n", "unsound"},
      {kOk + "Content-Length: -2\r\n\r\nok", "unsound"},
      {kOk + "Content-Length: 2 3\r\n\r\nok", "unsound"},
      {kOk + "Content-Length: 99999999\r\n\r\nok", "unsound"},
      {kOk + "Content-Length: 99999999999999999999999\r\n\r\nok", "unsound"},
      {kOk + "No colon\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + "Blank : a\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + " Folded: a\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + "X: \x01\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + "X: a\rb\r\n" + kTwo + "\r\nok", "unsound"},
      {kOk + "Connection: a b\r\n" + kTwo + "\r\nok", "unsound"},
      {"HTTP/1.1 200 OK\n", "unsound"},
      {"HTTP/1.1 20 OK\r\n" + kTwo + "\r\nok", "unsound"},
      {"HTTP/1.1 2000 OK\r\n" + kTwo + "\r\nok", "unsound"},
      {"HTTP/1.1 099 OK\r\n" + kTwo + "\r\nok", "unsound"},
      {"HTTP/2.0 200 OK\r\n" + kTwo + "\r\nok", "unsound"},
      {"\r\n" + kOk + kTwo + "\r\nok", "unsound"},
      {"<html>what?</html>", "unsound"},
  });
}

TEST(ReplyParser, TellsWhenToComeAgainAndWhatItCannotRead) {
  ReplyParser parser;
  std::size_t used = 0;
  const auto reply = [&](const std::string& bytes) {
    EXPECT_EQ(parser.read(bytes, used), Result::kReply) << bytes;
    return std::string(parser.reply().retry_after) +
           (parser.reply().is_unreadable ? " unreadable" : " plain");
  };
  EXPECT_EQ(reply(kOk + "retry-AFTER: \t7 \r\n" + kTwo + "\r\nok"), "7 plain");
  EXPECT_EQ(reply(kOk + "Retry-After:\r\n 7\r\n" + kTwo + "\r\nok"), "7 plain");
  EXPECT_EQ(reply(kOk + "Content-Encoding: br\r\n" + kTwo + "\r\nok"), " unreadable");
  EXPECT_EQ(reply(kOk + "Transfer-Encoding: chunked\r\nRetry-After: 8\r\n\r\n0\r\n\r\n"),
            "8 plain");
  EXPECT_EQ(reply(kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\nRetry-After: 9\r\n\r\n"),
            " unreadable");
}

// {"pk":1} by Python's gzip.compress and zlib.compress.
constexpr std::string_view kGzipped{
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\xc8\x56\xb2\x32\xac\x05\x00"
    "\x47\x3c\xd4\xe2\x08\x00\x00\x00",
    28};
constexpr std::string_view kDeflated{
    "\x78\x9c\xab\x56\x2a\xc8\x56\xb2\x32\xac\x05\x00\x0b\x9a\x02\x83", 16};

std::string coded(std::string_view fields, std::string_view body) {
  return "HTTP/1.1 200\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

TEST(ReplyParser, UndoesCodingsThatNoRequestAskedFor) {
  const auto raw = kDeflated.substr(2, kDeflated.size() - 6);
  const std::string body = "200 {\"pk\":1} keep";
  expect_judged({
      {coded("Content-Encoding: gzip\r\n", kGzipped), body},
      {coded("content-encoding: X-GZIP\r\n", kGzipped), body},
      {coded("Content-Encoding: gzip, identity\r\n", kGzipped), body},
      {coded("Content-Encoding: deflate\r\n", kDeflated), body},
      {coded("Content-Encoding: deflate\r\n", raw), body},
      {coded("Content-Encoding: identity\r\n", "{\"pk\":1}"), body},
      {coded("Content-Encoding: None\r\n", "{\"pk\":1}"), body},
      {coded("Content-Encoding:\r\n", "{\"pk\":1}"), body},
      {coded("Content-Encoding: ,\r\n", "{\"pk\":1}"), body},
      {coded("Content-Encoding: gzip\r\n", ""), "200  keep"},
      {kOk + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n" +
           std::string(kGzipped) + "\r\n0\r\n\r\n",
       body},
  });
}

// A reply that cannot be read does not end the connection: its end is known.
TEST(ReplyParser, TellsWhichBodiesCannotBeRead) {
  const auto is_unreadable = [](const std::string& bytes) {
    ReplyParser parser;
    std::size_t used = 0;
    EXPECT_EQ(parser.read(bytes, used), Result::kReply) << bytes;
    EXPECT_EQ(used, bytes.size());
    return parser.reply().is_unreadable;
  };
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: gzip\r\n", "{\"pk\":1}")));
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: gzip\r\n", kGzipped.substr(0, 20))));
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: br\r\n", kGzipped)));
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: br, gzip\r\n", kGzipped)));
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: gzip, gzip\r\n", kGzipped)));
  EXPECT_TRUE(is_unreadable(coded("Content-Encoding: gzip, gzip, gzip, gzip\r\n", kGzipped)));
  EXPECT_TRUE(is_unreadable(
      coded("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", kGzipped)));
  EXPECT_FALSE(is_unreadable(coded("Content-Encoding: gzip\r\n", kGzipped)));
}

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
