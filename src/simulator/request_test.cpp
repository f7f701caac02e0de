#include "simulator/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ia {
namespace {

using State = RequestReader::State;

constexpr std::string_view kGet =
    "GET /api/v1/influencers/1000001 HTTP/1.1\r\nHost: a:3000\r\nAccept: */*\r\n\r\n";

struct Outcome {
  State state;
  std::size_t taken;
};

Outcome read(RequestReader& reader, std::string_view bytes) {
  std::size_t taken = 0;
  const auto state = reader.read(bytes, taken);
  return {state, taken};
}

State state_of(const std::string& bytes) {
  RequestReader reader;
  return read(reader, bytes).state;
}

TEST(RequestReader, ReadsARequestAndLeavesWhatFollows) {
  RequestReader reader;
  const auto [state, taken] = read(reader, std::string(kGet) + "GET /");

  EXPECT_EQ(state, State::kWhole);
  EXPECT_EQ(taken, kGet.size());
  EXPECT_EQ(reader.request().method, "GET");
  EXPECT_EQ(reader.request().target, "/api/v1/influencers/1000001");
  EXPECT_TRUE(reader.request().keep_alive);
  EXPECT_FALSE(reader.request().has_body);
}

TEST(RequestReader, ReadsABodyInPieces) {
  const std::string head =
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n";
  RequestReader reader;
  EXPECT_EQ(read(reader, head + "abc").state, State::kPartial);
  EXPECT_TRUE(reader.in_request());
  EXPECT_EQ(read(reader, "def").state, State::kWhole);
  EXPECT_FALSE(reader.in_request());
  EXPECT_EQ(reader.request().body, "abcdef");
  EXPECT_EQ(reader.request().content_type, "text/plain");
}

TEST(RequestReader, ReadsAnEmptyChunkedBodyHoweverItIsCut) {
  const std::string_view bytes =
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    RequestReader reader;
    auto state = State::kPartial;
    std::string held;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      held += bytes.substr(at, piece);
      const auto outcome = read(reader, held);
      held.erase(0, outcome.taken);
      state = outcome.state;
    }
    EXPECT_EQ(state, State::kWhole) << piece;
  }
}

TEST(RequestReader, ReadsAChunkedBody) {
  RequestReader reader;
  const auto outcome =
      read(reader,
           "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT_EQ(outcome.state, State::kWhole);
  EXPECT_EQ(reader.request().body, "ab");
  EXPECT_TRUE(reader.request().has_body);
}

TEST(RequestReader, TellsWhenTheClientWaitsToBeAskedForTheBody) {
  RequestReader reader;
  const auto outcome = read(
      reader, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(outcome.state, State::kContinue);
  EXPECT_EQ(read(reader, "ab").state, State::kWhole);
}

TEST(RequestReader, KnowsWhenAConnectionIsNotKept) {
  RequestReader reader;
  ASSERT_EQ(read(reader, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").state,
            State::kWhole);
  EXPECT_FALSE(reader.request().keep_alive);
  ASSERT_EQ(read(reader, "GET / HTTP/1.0\r\n\r\n").state, State::kWhole);
  EXPECT_FALSE(reader.request().keep_alive);
  ASSERT_EQ(read(reader, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").state, State::kWhole);
  EXPECT_TRUE(reader.request().keep_alive);
}

TEST(RequestReader, RefusesWhatNodeRefuses) {
  EXPECT_EQ(state_of("blah\r\n\r\n"), State::kBad);
  EXPECT_EQ(state_of("FOO / HTTP/1.1\r\nHost: a\r\n\r\n"), State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\n\r\n"), State::kBad) << "no Host";
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"), State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz"),
            State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\nHost: a\n\n"), State::kBad);
  EXPECT_EQ(state_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n0\r\n\r\n"),
            State::kBad);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"),
            State::kHeaderTooLarge);
  EXPECT_EQ(state_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
            State::kBodyTooLarge);
  EXPECT_EQ(state_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n"),
            State::kBodyTooLarge);
}

std::string headers_seen(const std::string& bytes) {
  RequestReader reader;
  EXPECT_EQ(read(reader, bytes).state, State::kWhole);
  return std::string(reader.request().headers_seen);
}

TEST(RequestReader, ShowsTheHeadersOfPlainGetsOnly) {
  EXPECT_EQ(headers_seen(std::string(kGet)), "Host: a:3000\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(headers_seen("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "");
  EXPECT_EQ(headers_seen("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), "");
  EXPECT_EQ(headers_seen("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n"), "");
  EXPECT_EQ(headers_seen("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"), "");
  EXPECT_EQ(headers_seen("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_EQ(headers_seen("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "");
}

TEST(MatchPlainGet, FindsTheInfluencerAndTheSizeOfTheRequest) {
  const auto known = headers_seen(std::string(kGet));
  const auto match = match_plain_get(std::string(kGet) + std::string(kGet), known);
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->pk, 1'000'001);
  EXPECT_EQ(match->size, kGet.size());
}

TEST(MatchPlainGet, LeavesEverythingElseToTheReader) {
  const auto known = headers_seen(std::string(kGet));
  const std::string start = "GET /api/v1/influencers/";
  EXPECT_FALSE(match_plain_get(kGet, ""));
  EXPECT_FALSE(match_plain_get(kGet.substr(0, kGet.size() - 1), known));
  EXPECT_FALSE(match_plain_get(start, known));
  EXPECT_FALSE(match_plain_get("HEAD" + std::string(kGet.substr(3)), known));
  EXPECT_FALSE(match_plain_get(start + " HTTP/1.1\r\n" + known, known));
  EXPECT_FALSE(match_plain_get(start + "1x HTTP/1.1\r\n" + known, known));
  EXPECT_FALSE(match_plain_get(start + "-1 HTTP/1.1\r\n" + known, known));
  EXPECT_FALSE(match_plain_get(start + "1 HTTP/1.0\r\n" + known, known));
  EXPECT_FALSE(match_plain_get(start + "1 HTTP/1.1\r\nHost: b\r\n\r\n", known));
  EXPECT_FALSE(match_plain_get(start + "1000000000000000000000 HTTP/1.1\r\n" + known, known));
}

}  // namespace
}  // namespace ia
