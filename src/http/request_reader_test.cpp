#include "http/request_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace ia {
namespace {

using Event = HttpRequestReader::Event;

struct Outcome {
  std::vector<std::string> targets;
  int refused = 0;
  bool keeps = true;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds the bytes in pieces of a size and takes all requests.
Outcome feed(std::string_view bytes, std::size_t piece = 100'000,
             const RequestLimits& limits = {}) {
  HttpRequestReader reader(limits);
  Outcome outcome;
  for (;;) {
    switch (reader.next()) {
      case Event::kRequest:
        outcome.targets.emplace_back(reader.request().target);
        outcome.keeps = reader.keeps_connection();
        if (!outcome.keeps) return outcome;
        break;
      case Event::kRefused:
        outcome.refused = reader.refusal().status;
        outcome.keeps = false;
        return outcome;
      case Event::kMore: {
        if (bytes.empty()) return outcome;
        const auto space = reader.space();
        const auto count = std::min({piece, space.size(), bytes.size()});
        std::memcpy(space.data(), bytes.data(), count);
        reader.received(count);
        bytes.remove_prefix(count);
      }
    }
  }
}

constexpr std::string_view kHost = "Host: h\r\n\r\n";
std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(kHost);
}

TEST(RequestReader, FindsTheSameRequestsHoweverTheBytesAreSplit) {
  const auto bytes = get("/a") + "\r\n" + get("/b?x=1") +
                     "POST /c HTTP/1.1\r\nContent-Length: 5\r\nHost: h\r\n\r\n12345" +
                     "POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n"
                     "3\r\nabc\r\n0\r\n\r\n" +
                     "POST /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n0\r\n\r\n" +
                     get("/f");
  const Outcome whole{{"/a", "/b?x=1", "/c", "/d", "/e", "/f"}, 0, true};
  for (std::size_t piece = 1; piece < 60; ++piece) {
    ASSERT_EQ(feed(bytes, piece), whole) << piece;
  }
}

TEST(RequestReader, RefusesWhatIsNotHttp) {
  const std::vector<std::string> malformed = {
      "hello\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/1.x\r\n" + std::string(kHost),
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\n" + std::string(kHost),
      "POST / HTTP/1.1\r\nContent-Length: x\r\n" + std::string(kHost),
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + std::string(kHost),
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" + std::string(kHost),
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(kHost) + "zz\r\n",
  };
  for (const auto& bytes : malformed) {
    EXPECT_EQ(feed(bytes).refused, 400) << bytes;
    EXPECT_EQ(feed(bytes, 1).refused, 400) << bytes;
  }
}

// To the letter, however the bytes are cut: no library decides it.
TEST(RequestReader, JudgesOddRequestsTheSameEverywhere) {
  const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::pair<std::string, Outcome>> judged = {
      {"M-SEARCH /a HTTP/1.1\r\nHOST:h\r\nX:\r\nY: \xc3\xa4\t\r\n\r\n", {{"/a"}, 0, true}},
      {"\r\n\r\n" + get("/a") + "\r\n", {{"/a"}, 0, true}},
      {post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", {{"/p"}, 0, true}},
      {post + "Content-Length: 0\r\nConnection: x, Close\r\n\r\n", {{"/p"}, 0, false}},
      {post + "transfer-encoding: CHUNKED\r\n\r\n2;a=\"b\"\r\nok\r\n0\r\nT: t\r\n\r\n",
       {{"/p"}, 0, true}},
      {"POST /p HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       {{}, 400, false}},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {{}, 501, false}},
      {post + "Transfer-Encoding: gzip\r\n\r\n", {{}, 400, false}},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", {{}, 400, false}},
      {post + "Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n", {{}, 400, false}},
      {post + "Transfer-Encoding: chunked\r\n\r\n2\r\nokay", {{}, 400, false}},
      {post + "Content-Length: +2\r\n\r\nok", {{}, 400, false}},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", {{}, 400, false}},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", {{}, 400, false}},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", {{}, 400, false}},
      {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", {{"/"}, 0, true}},
      {"GET / HTTP/9.1\r\nHost: h\r\n\r\n", {{}, 505, false}},
      {"GET / HTTP/1.1\r\nHost: h/\r\n\r\n", {{}, 400, false}},
      {"GET http://h:1/a HTTP/1.1\r\nHost: i\r\n\r\n", {{"http://h:1/a"}, 0, true}},
      {"GET http:///a HTTP/1.1\r\nHost: i\r\n\r\n", {{}, 400, false}},
  };
  for (const auto& [bytes, outcome] : judged) {
    for (const std::size_t piece : {100'000u, 1u, 2u, 3u}) {
      EXPECT_EQ(feed(bytes, piece), outcome) << "in pieces of " << piece << ": " << bytes;
    }
  }
}

TEST(RequestReader, AcceptsHttp10WithoutHostAndClosesThen) {
  const auto outcome = feed("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(outcome.targets, std::vector<std::string>{"/a"});
  EXPECT_FALSE(outcome.keeps);
}

TEST(RequestReader, LimitsTheTarget) {
  const RequestLimits limits;
  EXPECT_EQ(feed(get("/" + std::string(limits.target_bytes - 1, 'x'))).refused, 0);
  EXPECT_EQ(feed(get("/" + std::string(limits.target_bytes, 'x'))).refused, 414);
  EXPECT_EQ(feed("GET /" + std::string(3'000, 'x')).refused, 414);  // without waiting for its end
  EXPECT_EQ(feed("GET /" + std::string(100'000, 'x'), 7).refused, 414);
}

TEST(RequestReader, LimitsTheHeader) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string field = "X: " + std::string(1'000, 'y') + "\r\n";
  for (int i = 0; i < 15; ++i) head += field;
  EXPECT_EQ(feed(head + "\r\n").targets.size(), 1U);
  EXPECT_EQ(feed(head + field + field + "\r\n").refused, 431);
  EXPECT_EQ(feed(head + "X: " + std::string(5'000, 'y'), 11).refused, 431);
}

TEST(RequestReader, LimitsTheBodyInBothItsForms) {
  const std::string declared = "POST / HTTP/1.1\r\nContent-Length: ";
  EXPECT_EQ(feed(declared + "65537\r\n" + std::string(kHost)).refused, 413);
  EXPECT_EQ(feed(declared + "65536\r\n" + std::string(kHost) + std::string(65'536, 'x') + get("/b"))
                .targets,
            (std::vector<std::string>{"/", "/b"}));
  std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(kHost);
  for (int i = 0; i < 70; ++i) chunked += "400\r\n" + std::string(1'024, 'x') + "\r\n";
  EXPECT_EQ(feed(chunked, 333).refused, 413);
}

TEST(RequestReader, TakesTheFieldsThatMatter) {
  HttpRequestReader reader({});
  const std::string bytes =
      "HEAD /x HTTP/1.1\r\nhost: h\r\nIF-NONE-MATCH:  \"a\" \r\nAccept-Encoding: br, gzip\r\n"
      "last-event-id: 17\r\n\r\n";
  std::memcpy(reader.space().data(), bytes.data(), bytes.size());
  reader.received(bytes.size());
  ASSERT_EQ(reader.next(), Event::kRequest);
  EXPECT_EQ(reader.request().method, HttpMethod::kHead);
  EXPECT_EQ(reader.request().if_none_match, "\"a\"");
  EXPECT_EQ(reader.request().last_event_id, "17");
  EXPECT_TRUE(reader.request().accepts_gzip);
  EXPECT_FALSE(reader.request().has_body);
}

// The next request, when all its bytes came at once.
HttpRequest& read_one(HttpRequestReader& reader, std::string_view bytes,
                      std::size_t piece = 100'000) {
  while (reader.next() == Event::kMore) {
    const auto space = reader.space();
    const auto count = std::min({piece, space.size(), bytes.size()});
    std::memcpy(space.data(), bytes.data(), count);
    reader.received(count);
    bytes.remove_prefix(count);
  }
  return reader.request();
}

TEST(RequestReader, KeepsABodyAndTheFieldsBeforeIt) {
  const std::string fields =
      "PUT /x?y HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\n"
      "authorization: Bearer t\r\nOrigin: http://o\r\nsec-fetch-site: none\r\n";
  const std::string body(9'000, 'b');
  const auto chunk = "1770\r\n" + body.substr(0, 6'000) + "\r\nbb8\r\n" + body.substr(6'000);
  for (const auto& bytes :
       {fields + "Content-Length: 9000\r\n\r\n" + body,
        fields + "Transfer-Encoding: chunked\r\n\r\n" + chunk + "\r\n0\r\n\r\n"}) {
    for (const std::size_t piece : {100'000u, 1'000u, 7u}) {
      HttpRequestReader reader({});
      const auto& request = read_one(reader, bytes, piece);
      EXPECT_EQ(request.method, HttpMethod::kPut);
      EXPECT_EQ(request.target, "/x?y");
      EXPECT_EQ(request.host, "h:1");
      EXPECT_EQ(request.content_type, "application/json");
      EXPECT_EQ(request.authorization, "Bearer t");
      EXPECT_EQ(request.origin, "http://o");
      EXPECT_EQ(request.sec_fetch_site, "none");
      EXPECT_TRUE(request.is_body_kept);
      EXPECT_EQ(request.body, body);
    }
  }
}

// What comes behind a body must not take the place of what was decided before it.
TEST(RequestReader, DropsTrailersAndRefusesFoldedOnes) {
  const std::string start =
      "POST /p HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
      "Authorization: Bearer x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n";
  const std::string trailers =
      "Host: localhost\r\nOrigin: http://localhost\r\nAuthorization: Bearer y\r\n"
      "Content-Type: application/json\r\nSec-Fetch-Site: none\r\nIf-Match: *\r\n"
      "X-Forwarded-For: 127.0.0.1\r\nContent-Length: 9\r\nConnection: close\r\n\r\n";
  for (const std::size_t piece : {100'000u, 1u, 3u, 11u}) {
    HttpRequestReader reader({});
    const auto& request = read_one(reader, start + trailers, piece);
    EXPECT_EQ(request.host, "evil.example");
    EXPECT_EQ(request.origin, "http://evil.example");
    EXPECT_EQ(request.authorization, "Bearer x");
    EXPECT_EQ(request.content_type, "");
    EXPECT_EQ(request.sec_fetch_site, "");
    EXPECT_EQ(request.if_match, "");
    EXPECT_EQ(request.forwarded_for, "");
    EXPECT_EQ(request.body, "body");
    EXPECT_TRUE(reader.keeps_connection());
    EXPECT_EQ(feed(start + trailers + get("/next"), piece), (Outcome{{"/p", "/next"}, 0, true}));
    EXPECT_EQ(feed(start + "Host: local\r\n host\r\n\r\n", piece), (Outcome{{}, 400, false}));
    EXPECT_EQ(feed(start + "X: a\r\n\tb\r\n\r\n", piece), (Outcome{{}, 400, false}));
  }
}

TEST(RequestReader, KeepsNoLongBodyAndNoneThatIsOnlyAnnounced) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  const auto is_kept = [](const std::string& bytes) {
    HttpRequestReader reader({});
    const auto& request = read_one(reader, bytes);
    EXPECT_TRUE(request.has_body);
    EXPECT_EQ(request.body.empty(), !request.is_body_kept);
    return request.is_body_kept;
  };
  EXPECT_TRUE(is_kept(head + "49152\r\n\r\n" + std::string(49'152, 'x')));
  EXPECT_FALSE(is_kept(head + "49153\r\n\r\n" + std::string(49'153, 'x')));
  EXPECT_FALSE(is_kept(head + "49153\r\nExpect: 100-continue\r\n\r\n"));
}

// The client waits for a leave that it will not get: the answer must come at once.
TEST(RequestReader, AnswersAtOnceWhenABodyIsAnnouncedThatNobodyReads) {
  for (const auto* start : {"POST /x HTTP/1.1\r\nContent-Length: 49153\r\n",
                            "GET /x HTTP/1.1\r\nContent-Length: 1\r\n"}) {
    const auto outcome = feed(std::string(start) + "Expect: 100-continue\r\n" + std::string(kHost));
    EXPECT_EQ(outcome.targets, std::vector<std::string>{"/x"});
    EXPECT_FALSE(outcome.keeps);
  }
}

// How often a client is told to go on, when its request comes in two parts.
int continued(std::string_view head, std::string_view begun) {
  HttpRequestReader reader({});
  const auto bytes = std::string(head).append(begun);
  std::memcpy(reader.space().data(), bytes.data(), bytes.size());
  reader.received(bytes.size());
  EXPECT_EQ(reader.next(), Event::kMore);
  return static_cast<int>(reader.wants_continue()) + static_cast<int>(reader.wants_continue());
}

TEST(RequestReader, SaysOnceThatABodyIsWaitedFor) {
  const std::string post = "POST /x HTTP/1.1\r\nExpect: 100-Continue\r\nHost: h\r\n";
  EXPECT_EQ(continued(post + "Content-Length: 9\r\n\r\n", ""), 1);
  EXPECT_EQ(continued(post + "Transfer-Encoding: chunked\r\n\r\n", ""), 1);
  EXPECT_EQ(continued(post + "Content-Length: 9\r\n\r\n", "1"), 0);
  EXPECT_EQ(continued(post, ""), 0);
  EXPECT_EQ(continued("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", ""), 0);
  EXPECT_EQ(continued("POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", ""),
            0);
}

TEST(RequestReader, JoinsWhatProxiesSayOfTheClient) {
  HttpRequestReader reader({});
  const auto& request = read_one(
      reader, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: a, b\r\nx-forwarded-for: c\r\n\r\n");
  EXPECT_EQ(request.forwarded_for, "a, b,c");
  EXPECT_EQ(request.forwarded, "");
  EXPECT_TRUE(request.is_forwarded);
  HttpRequestReader other({});
  EXPECT_FALSE(read_one(other, get("/")).is_forwarded);
}

}  // namespace
}  // namespace ia
