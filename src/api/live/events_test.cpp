#include "api/live/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr InfluencerId kAnna{1};
constexpr InfluencerId kBob{2};
constexpr InfluencerId kCleo{3};

class Events : public ::testing::Test {
 protected:
  LiveSources sources() {
    return {.leaderboard = [this] { return snapshot; },
            .summary =
                [this](const LeaderboardSnapshot& board, std::string& out) {
                  ++summaries;
                  out += "{\"with_value\":" + std::to_string(board.size()) + "}";
                  return is_up;
                },
            .influencer =
                [this](InfluencerId id, const LeaderboardSnapshot& board, std::string& out) {
                  ++influencers;
                  const auto standing = board.find(id);
                  const auto count = standing ? standing->counts.followers : -1;
                  out += std::to_string(number_of(id)) + " has " + std::to_string(count);
                }};
  }

  void value(InfluencerId id, std::int64_t followers) {
    leaderboard.apply(id, {followers, 1}, wall += seconds{1});
    snapshot = leaderboard.publish(wall);
  }

  std::shared_ptr<LateAnswer> open(std::vector<InfluencerId> chosen, std::string last_id = "") {
    auto stream = std::make_shared<LateAnswer>();
    stream->answer({});
    events.welcome({stream, std::move(chosen), std::move(last_id)}, now);
    return stream;
  }

  void pass(milliseconds time) { events.step(now += time); }

  static std::string text_of(const std::shared_ptr<LateAnswer>& stream) {
    std::string text;
    stream->take(text);
    return text;
  }
  static std::string id_in(const std::string& text) {
    const auto begin = text.rfind("\nid: ") + 5;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  Metrics metrics;
  WallTime wall = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  MonoTime now{seconds{1'000}};
  Leaderboard leaderboard;
  std::shared_ptr<const LeaderboardSnapshot> snapshot = leaderboard.publish(wall);
  int summaries = 0;
  int influencers = 0;
  bool is_up = true;
  LiveEvents events{sources(), metrics};
};

TEST_F(Events, TellTheStateFirst) {
  value(kAnna, 500);
  const auto text = text_of(open({kAnna, kBob}));
  EXPECT_THAT(text, StartsWith("event: influencer\ndata: 1 has 500\n\n"
                               "event: influencer\ndata: 2 has -1\n\n"
                               "event: summary\nid: "));
  EXPECT_THAT(text, HasSubstr("\ndata: {\"with_value\":1}\n\n"));
}

TEST_F(Events, TellOnlyWhatIsNewerOfAnInfluencer) {
  value(kAnna, 500);
  value(kBob, 400);
  const auto stream = open({kAnna, kBob});
  (void)text_of(stream);
  value(kBob, 401);
  pass(seconds{1});
  const auto text = text_of(stream);
  EXPECT_THAT(text, StartsWith("event: influencer\ndata: 2 has 401\n\nevent: summary\n"));
  EXPECT_EQ(id_in(text), id_in(text_of(open({}))));
}

TEST_F(Events, TellTheSameCountsRetrievedLaterAnew) {
  value(kAnna, 500);
  const auto stream = open({kAnna});
  (void)text_of(stream);
  value(kAnna, 500);
  pass(seconds{1});
  EXPECT_THAT(text_of(stream), HasSubstr("1 has 500"));
}

TEST_F(Events, ComeAtMostOnceASecondWithTheNewestState) {
  const auto stream = open({kAnna});
  (void)text_of(stream);
  for (int i = 0; i < 9; ++i) {
    value(kAnna, 500 + i);
    pass(milliseconds{100});
    EXPECT_THAT(text_of(stream), IsEmpty());
  }
  value(kAnna, 600);
  pass(milliseconds{100});
  const auto text = text_of(stream);
  EXPECT_THAT(text, StartsWith("event: influencer\ndata: 1 has 600\n\nevent: summary\n"));
  pass(seconds{5});
  EXPECT_THAT(text_of(stream), IsEmpty());
}

TEST_F(Events, AreNotToldToThoseWhoHaveThem) {
  value(kAnna, 500);
  const auto id = id_in(text_of(open({kAnna})));
  const auto again = open({kAnna}, id);
  EXPECT_THAT(text_of(again), IsEmpty());
  value(kAnna, 501);
  pass(seconds{1});
  EXPECT_THAT(text_of(again), HasSubstr("1 has 501"));
  const auto behind = open({kAnna}, id);
  EXPECT_THAT(text_of(behind), HasSubstr("1 has 501"));
}

TEST_F(Events, OfAnotherProcessAreBehind) {
  value(kAnna, 500);
  const auto id = id_in(text_of(open({})));
  Leaderboard other;
  other.apply(kAnna, {700, 1}, wall += seconds{1});
  (void)other.publish(wall);
  snapshot = other.publish(wall);
  LiveEvents restarted(sources(), metrics);
  auto stream = std::make_shared<LateAnswer>();
  restarted.welcome({stream, {kAnna}, id}, now);
  EXPECT_THAT(text_of(stream), HasSubstr("1 has 700"));
}

TEST_F(Events, AreMadeOnceForAllStreams) {
  value(kAnna, 500);
  std::vector<std::shared_ptr<LateAnswer>> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(open({kAnna, kBob}));
  EXPECT_EQ(summaries, 1);
  EXPECT_EQ(influencers, 2);
  value(kAnna, 501);
  pass(seconds{1});
  EXPECT_EQ(summaries, 2);
  EXPECT_EQ(influencers, 3);
  for (const auto& stream : streams) EXPECT_THAT(text_of(stream), HasSubstr("1 has 501"));
}

TEST_F(Events, SayHowOldThingsAreNowToWhoComesLater) {
  value(kAnna, 500);
  const auto first = open({});
  now += seconds{30};
  (void)open({});
  (void)open({});
  EXPECT_EQ(summaries, 2);
}

TEST_F(Events, BeatEvery15SecondsWithoutNews) {
  const auto stream = open({});
  (void)text_of(stream);
  pass(milliseconds{14'900});
  EXPECT_THAT(text_of(stream), IsEmpty());
  pass(milliseconds{100});
  EXPECT_EQ(text_of(stream), ":\n\n");
  pass(milliseconds{14'900});
  EXPECT_THAT(text_of(stream), IsEmpty());
}

TEST_F(Events, ForgetStreamsThatEnded) {
  value(kAnna, 500);
  const auto gone = open({kAnna, kBob});
  const auto stays = open({kBob, kCleo});
  (void)text_of(stays);
  gone->close();
  value(kBob, 7);
  pass(seconds{1});
  EXPECT_EQ(events.size(), 1U);
  EXPECT_THAT(text_of(stays), HasSubstr("2 has 7"));
  stays->close();
  value(kBob, 8);
  pass(seconds{1});
  EXPECT_EQ(events.size(), 0U);
  EXPECT_THAT(text_of(open({kAnna})), HasSubstr("1 has 500"));
}

TEST_F(Events, WaitUntilTheSummaryCanBeTold) {
  is_up = false;
  const auto turned_away = open({});
  EXPECT_FALSE(turned_away->is_wanted());
  is_up = true;
  const auto stream = open({kAnna});
  (void)text_of(stream);
  is_up = false;
  value(kAnna, 500);
  pass(seconds{1});
  EXPECT_THAT(text_of(stream), IsEmpty());
  is_up = true;
  pass(seconds{1});
  EXPECT_THAT(text_of(stream), HasSubstr("1 has 500"));
}

}  // namespace
}  // namespace ia
