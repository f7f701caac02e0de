#include "simulator/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGetOne = "GET /api/v1/influencers/1 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetTwo = "GET /api/v1/influencers/2 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kPost =
    "POST /api/v1/influencers/is_suspicious HTTP/1.1\r\nHost: a\r\n"
    "Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"pk\":7}";

SimulatorOptions options_with(Faults faults = {}) {
  return {.influencers = InfluencerSet::parse("1-9").value(),
          .faults = std::move(faults),
          .verdict_mean = 1s,
          .verdict_deviation = 0s};
}

// A session and the time around it.
class Talk {
 public:
  explicit Talk(Faults faults = {}) : responder_(options_with(faults)), session(responder_) {
    responder_.set_time(WallTime{}, now_);
    responder_.set_faults(std::move(faults), now_);
  }
  std::string say(std::string_view bytes) {
    std::string out;
    session.receive(bytes, now_, out);
    return out;
  }
  std::string wait(MonoTime::duration time) {
    std::string out;
    now_ += time;
    responder_.set_time(WallTime{}, now_);
    session.take_due(now_, out);
    return out;
  }

 private:
  MonoTime now_{1h};
  Responder responder_;

 public:
  Session session;
};

std::size_t count_of(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (auto at = text.find(piece); at != text.npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

TEST(Session, AnswersPipelinedRequestsTogetherAndInOrder) {
  Talk talk;
  talk.say(kGetOne);
  const auto out = talk.say(std::string(kGetTwo) + std::string(kGetOne) + std::string(kGetTwo));

  EXPECT_EQ(count_of(out, "HTTP/1.1 200 OK"), 3);
  const auto two = out.find(R"({"pk":2,)");
  const auto one = out.find(R"({"pk":1,)");
  EXPECT_LT(two, one);
  EXPECT_LT(one, out.rfind(R"({"pk":2,)"));
}

// Requests may be cut anywhere, and must then get what they get in one piece.
TEST(Session, AnswersTheSameHoweverTheBytesArrive) {
  const std::string bytes = std::string(kGetOne) + std::string(kGetTwo) + "\r\n" +
                            std::string(kPost) + std::string(kGetOne) +
                            "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGetTwo);
  Talk whole;
  auto expected = whole.say(bytes);
  expected += whole.wait(1h);
  EXPECT_EQ(count_of(expected, "HTTP/1.1 "), 6);

  for (std::size_t size = 1; size < 60; ++size) {
    Talk pieces;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      out += pieces.say(std::string_view(bytes).substr(at, size));
    }
    out += pieces.wait(1h);
    EXPECT_EQ(out, expected) << size;
  }
}

TEST(Session, LetsAnAnswerThatTakesItsTimeHoldUpThoseBehindIt) {
  Talk talk;
  EXPECT_THAT(talk.say(kGetOne), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(talk.say(kPost), IsEmpty());
  EXPECT_THAT(talk.say(kGetOne), IsEmpty());
  EXPECT_EQ(talk.session.waiting(), Session::Waiting::kNothing);
  EXPECT_THAT(talk.wait(999ms), IsEmpty());

  const auto out = talk.wait(1ms);
  EXPECT_THAT(out, HasSubstr(R"({"pk":7,"suspicious":false})"));
  EXPECT_LT(out.find(R"({"pk":7)"), out.find(R"({"pk":1)"));
  EXPECT_EQ(talk.session.waiting(), Session::Waiting::kNextRequest);
}

TEST(Session, DelaysRequestsOfOneReadSideBySide) {
  Talk talk({.latency = Latency::parse("5ms").value()});
  EXPECT_THAT(talk.say(std::string(kGetOne) + std::string(kGetTwo)), IsEmpty());
  EXPECT_EQ(count_of(talk.wait(5ms), "HTTP/1.1 200 OK"), 2);
}

TEST(Session, ReadsNoMoreWhileTooManyAnswersAreOwed) {
  Talk talk;
  talk.say(kPost);
  for (int i = 0; i < 998; ++i) talk.say(kGetOne);
  EXPECT_FALSE(talk.session.full());
  talk.say(kGetOne);
  EXPECT_TRUE(talk.session.full());
  talk.wait(1s);
  EXPECT_FALSE(talk.session.full());
}

TEST(Session, DripsByteByByte) {
  Talk talk({.drip_rate = 1, .drip_interval = 10ms});
  talk.say(kGetOne);
  EXPECT_EQ(talk.wait(0ms), "H");
  EXPECT_EQ(talk.wait(9ms), "");
  EXPECT_EQ(talk.wait(1ms), "T");
  std::string rest;
  while (talk.session.next_due()) rest += talk.wait(10ms);
  EXPECT_THAT(rest, StartsWith("TP/1.1 200 OK"));
  EXPECT_THAT(rest, EndsWith("}"));
}

TEST(Session, NeverAnswersAgainOnceItHangs) {
  Talk talk({.hang_rate = 1});
  EXPECT_THAT(talk.say(kGetOne), IsEmpty());
  EXPECT_THAT(talk.say(kGetOne), IsEmpty());
  EXPECT_THAT(talk.wait(1h), IsEmpty());
  EXPECT_TRUE(talk.session.dumb());
  EXPECT_FALSE(talk.session.closing());
}

TEST(Session, ClosesAfterTheLastAnswerOfAConnectionThatIsNotKept) {
  Talk talk;
  talk.say(kPost);
  talk.say("GET /api/v1/influencers/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(talk.session.closing());
  EXPECT_THAT(talk.say(kGetTwo), IsEmpty());
  const auto out = talk.wait(1s);
  EXPECT_THAT(out, HasSubstr("\r\nConnection: close\r\n\r\n{\"pk\":1"));
  EXPECT_THAT(out, Not(HasSubstr(R"({"pk":2)")));
  EXPECT_TRUE(talk.session.closing());
}

TEST(Session, AnswersABadRequestInItsTurnAndCloses) {
  Talk talk;
  talk.say(kPost);
  talk.say("rubbish\r\n\r\n");
  EXPECT_FALSE(talk.session.closing());
  EXPECT_THAT(talk.wait(1s), EndsWith("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(talk.session.closing());
}

TEST(Session, AsksForABodyThatIsHeldBack) {
  Talk talk;
  EXPECT_EQ(talk.say("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                     "Content-Length: 2\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(talk.session.waiting(), Session::Waiting::kRequest);
  EXPECT_THAT(talk.say("ab"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(talk.say("GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404"));
}

TEST(Session, GivesUpOnAnUnfinishedRequest) {
  Talk talk;
  talk.say("GET /api");
  EXPECT_EQ(talk.session.waiting(), Session::Waiting::kRequest);
  std::string out;
  talk.session.give_up(out);
  EXPECT_THAT(out, StartsWith("HTTP/1.1 408 Request Timeout\r\nConnection: close"));
  EXPECT_TRUE(talk.session.closing());
}

}  // namespace
}  // namespace ia
