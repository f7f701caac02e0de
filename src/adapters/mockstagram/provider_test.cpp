#include "adapters/mockstagram/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "simulator/mockstagram_server.h"

namespace ia {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = Judgement::Kind;

constexpr InfluencerId kId{1000001};

Judgement judged(std::string_view body, unsigned status = 200, bool compressed = false) {
  // The name points into the dialect, which a test may read until it ends.
  static const auto dialect = make_mockstagram_dialect();
  return dialect->judge(
      kId, {.status = status, .body = body, .is_unreadable = compressed, .retry_after = {}});
}

std::string with_count(std::string_view count) {
  return R"({"pk":1000001,"followerCount":)" + std::string(count) + R"(,"followingCount":2})";
}

TEST(MockstagramDialect, ReadsTheValueAndTheName) {
  const auto got = judged(
      R"({"pk":1000001,"username":"ada","followerCount":9007199254740991,"followingCount":0})");
  EXPECT_EQ(got.kind, Kind::kValue);
  EXPECT_EQ(got.counts, (Counts{9007199254740991, 0}));
  EXPECT_EQ(got.username, "ada");
}

TEST(MockstagramDialect, TakesNoBodyThatIsNotJustWhatWasAskedFor) {
  const std::string whole = with_count("1");
  const std::vector<std::string> bad = {
      "",
      "hello",
      "null",
      "[" + whole + "]",
      whole + "x",
      whole + "\xef\xbb\xbf",
      "\xff\xfe" + whole,
      whole + whole,
      whole + ",",
      whole.substr(0, whole.size() - 1),
      with_count("-1"),
      with_count("1.5"),
      with_count("1.0"),
      with_count("1e3"),
      with_count("null"),
      with_count("\"1\""),
      with_count("true"),
      with_count("[1]"),
      with_count("007"),
      with_count("9007199254740992"),
      with_count("99999999999999999999999"),
      with_count("1,\"followerCount\":1"),
      R"({"pk":1000001,"followerCount":1})",
      R"({"pk":1000001,"followingCount":1})",
      R"({"followerCount":1,"followingCount":1})",
      R"({"pk":"1000001","followerCount":1,"followingCount":1})",
      R"({"pk":1000001,"pk":1000001,"followerCount":1,"followingCount":1})"};
  for (const auto& body : bad) {
    const auto got = judged(body);
    EXPECT_EQ(got.kind, Kind::kRetry) << body;
    EXPECT_EQ(got.reason, MissReason::kMalformed) << body;
  }
  EXPECT_EQ(judged(whole).kind, Kind::kValue);
  EXPECT_EQ(judged(whole, 200, true).reason, MissReason::kMalformed);
  EXPECT_EQ(judged(whole, 200, true).kind, Kind::kRetry);
}

TEST(MockstagramDialect, PassesOverAByteOrderMark) {
  EXPECT_EQ(judged("\xef\xbb\xbf" + with_count("7")).counts, (Counts{7, 2}));
  const auto denial = R"({"error":{"name":"InfluencerNotFoundError"}})";
  EXPECT_TRUE(judged("\xef\xbb\xbf" + std::string(denial), 500).in_words);
}

TEST(MockstagramDialect, TakesA203ForA200ThatAProxyChanged) {
  EXPECT_EQ(judged(with_count("7"), 203).kind, Kind::kValue);
  for (const unsigned status : {201U, 202U, 204U, 206U}) {
    EXPECT_EQ(judged(with_count("7"), status).reason, MissReason::kServerError) << status;
  }
}

TEST(MockstagramDialect, NoticesTheReplyForAnother) {
  const auto got = judged(R"({"pk":1000002,"followerCount":1,"followingCount":1})");
  EXPECT_EQ(got.kind, Kind::kRetry);
  EXPECT_TRUE(got.wrong_id);
}

TEST(MockstagramDialect, DropsAnUnfitNameAndKeepsTheValue) {
  const std::string longest(kUsernameBytesMax, 'a');
  for (const auto& name : {"\"" + longest + "a\"", std::string("\"a\\nb\""), std::string("7"),
                           std::string("null"), std::string("\"\""), std::string("\"\\u007f\"")}) {
    const auto body = with_count("1,\"username\":" + name);
    const auto got = judged(body);
    EXPECT_EQ(got.kind, Kind::kValue) << name;
    EXPECT_EQ(got.username, "") << name;
  }
  EXPECT_EQ(judged(with_count("1,\"username\":\"" + longest + "\"")).username, longest);
}

TEST(MockstagramDialect, TakesOnlyTheNetworksOwnWordsForADenial) {
  for (const auto* body :
       {"InfluencerNotFoundError", R"({"message":"InfluencerNotFoundError"})",
        R"({"error":"InfluencerNotFoundError"})", R"(["InfluencerNotFoundError"])",
        R"({"error":{"name":"NoInfluencerNotFoundError"}})",
        R"({"error":{"name":["InfluencerNotFoundError"]}})",
        "<h1>404</h1> no route; see InfluencerNotFoundError in the manual"}) {
    EXPECT_EQ(judged(body, 500).reason, MissReason::kServerError) << body;
    EXPECT_FALSE(judged(body, 404).in_words) << body;
    EXPECT_EQ(judged(body, 200).reason, MissReason::kMalformed) << body;
  }
}

TEST(MockstagramDialect, TellsDenialsFromTrouble) {
  const auto denial = R"({"error":{"name":"InfluencerNotFoundError"}})";
  for (const unsigned status : {400U, 500U}) {
    EXPECT_EQ(judged(denial, status).reason, MissReason::kNotFound);
    EXPECT_EQ(judged(denial, status).kind, Kind::kMiss);
    EXPECT_TRUE(judged(denial, status).in_words);
  }
  EXPECT_TRUE(judged(denial, 200).in_words);
  EXPECT_TRUE(
      judged(R"({"error":{"status":1,"name":"InfluencerNotFoundError"},"x":[]})", 404).in_words);
  EXPECT_EQ(judged("", 404).reason, MissReason::kNotFound);
  EXPECT_FALSE(judged("", 404).in_words);
  EXPECT_EQ(judged("", 410).reason, MissReason::kNotFound);
  for (const unsigned status : {204U, 302U, 400U, 403U}) {
    EXPECT_EQ(judged("", status).kind, Kind::kMiss) << status;
    EXPECT_EQ(judged("", status).reason, MissReason::kServerError) << status;
  }
  for (const unsigned status : {408U, 425U, 500U, 502U, 503U}) {
    EXPECT_EQ(judged("", status).kind, Kind::kRetry) << status;
    EXPECT_EQ(judged("", status).reason, MissReason::kServerError) << status;
  }
}

class MockstagramProviderTest : public ::testing::Test {
 protected:
  void serve(Faults faults = {}, std::string listen = "127.0.0.1:0",
             std::chrono::milliseconds keep_alive = 5s) {
    auto server = MockstagramServer::start({.listen = std::move(listen),
                                            .influencers = everyone_,
                                            .faults = std::move(faults),
                                            .keep_alive = keep_alive,
                                            .answers_kept = 100'000},
                                           clock_, log_);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    options_.url = server_->url();
  }
  void connect() {
    auto made = make_mockstagram_provider(options_, clock_, metrics_, log_);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    provider_ = std::move(*made);
  }
  void order(std::size_t begin, std::size_t count, std::chrono::milliseconds time = 3s) {
    const auto now = clock_.wall();
    provider_->start({.ticket = begin,
                      .influencers = everyone_.slice(begin, count).ids(),
                      .start_before = now + time,
                      .finish_before = now + time + 200ms});
  }
  FinishedFetch finished() {
    auto all = provider_->take_finished(10s);
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? FinishedFetch{} : std::move(all.front());
  }
  // Four orders at once: each influencer ends once, and with nothing that was not answered.
  std::size_t fetch_all(std::size_t each) {
    for (std::size_t i = 0; i < 4; ++i) order(i * each, each);
    std::size_t orders = 0;
    std::size_t values = 0;
    while (orders < 4) {
      const auto some = provider_->take_finished(10s);
      if (some.empty()) break;
      for (const auto& one : some) values += check(one, each);
      orders += some.size();
    }
    EXPECT_EQ(orders, 4U);
    return values;
  }
  std::size_t check(const FinishedFetch& one, std::size_t each) {
    std::vector<InfluencerId> ended;
    for (const auto& value : one.values) {
      ended.push_back(value.influencer);
      const auto answers = server_->answers().of(value.influencer);
      EXPECT_THAT(answers, ::testing::Contains(Field(&Answered::counts, value.counts)));
    }
    for (const auto& miss : one.misses) ended.push_back(miss.influencer);
    const auto asked = everyone_.slice(one.ticket, each).ids();
    std::ranges::sort(ended);
    EXPECT_EQ(ended, asked);
    return one.values.size();
  }

  SystemClock clock_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  Metrics metrics_;
  InfluencerSet everyone_ = InfluencerSet::parse("1000000-1003999").value();
  HttpLaneOptions options_{
      .url = {}, .ca_file = {}, .max_connections = 64, .request_timeout = 300ms};
  std::unique_ptr<MockstagramServer> server_;
  std::unique_ptr<Provider> provider_;
};

TEST_F(MockstagramProviderTest, EveryInfluencerEndsOnceAtEveryDepth) {
  serve();
  options_.request_timeout = 5s;
  for (const auto& [connections, depth] : {std::pair{64U, 1U}, {64U, 8U}, {1U, 1U}, {1U, 8U}}) {
    options_.max_connections = connections;
    options_.pipelining = depth;
    connect();
    EXPECT_EQ(fetch_all(100), 400U) << connections << " " << depth;
  }
}

TEST_F(MockstagramProviderTest, NoFaultMakesAWrongValueOrLosesAnInfluencer) {
  serve({.error_rate = 0.02,
         .hang_rate = 0.02,
         .truncate_rate = 0.02,
         .wrong_id_rate = 0.02,
         .close_rate = 0.02,
         .malformed_rate = 0.02,
         .drip_rate = 0.02,
         .extra_bytes_rate = 0.02,
         .redirect_rate = 0.02});
  for (const std::size_t depth : {1U, 8U}) {
    options_.pipelining = depth;
    connect();
    EXPECT_GT(fetch_all(100), 100U);
  }
}

TEST_F(MockstagramProviderTest, ALimitedNetworkIsLeftAloneAndThenAskedAgain) {
  serve({.limited_rate = 1});
  connect();
  order(0, 20, 600ms);
  EXPECT_THAT(finished().misses,
              AllOf(SizeIs(20), Each(Field(&Miss::reason, MissReason::kRateLimited))));
  ASSERT_TRUE(server_->set_faults({}).has_value());
  order(0, 20, 5s);
  EXPECT_THAT(finished().values, SizeIs(20));
}

TEST_F(MockstagramProviderTest, VanishedInfluencersAreNotFound) {
  serve({.vanished = everyone_.slice(0, 5)});
  connect();
  order(0, 10);
  const auto got = finished();
  EXPECT_THAT(got.values, SizeIs(5));
  EXPECT_THAT(got.misses, AllOf(SizeIs(5), Each(Field(&Miss::reason, MissReason::kNotFound))));
}

TEST_F(MockstagramProviderTest, AHangingServerDoesNotHoldAnOrderPastItsEnd) {
  serve({.hang_rate = 1});
  options_.request_timeout = 60s;
  connect();
  order(0, 10, 200ms);
  EXPECT_THAT(finished().misses, SizeIs(10));
}

TEST_F(MockstagramProviderTest, ARefusedPortIsAConnectionMiss) {
  serve();
  server_->stop();
  connect();
  order(0, 3, 500ms);
  EXPECT_THAT(finished().misses,
              AllOf(SizeIs(3), Each(Field(&Miss::reason, MissReason::kConnection))));
}

TEST_F(MockstagramProviderTest, ANetworkThatAnswersHalfIsFetchedAsBeforeSoonAfterAnOutage) {
  serve({.error_rate = 0.5});
  connect();
  order(0, 600);
  const auto before = finished().values.size();
  const auto address = server_->url().substr(std::string("http://").size());
  server_.reset();
  while (!provider_->health().breaker_open) {
    order(0, 300, 300ms);
    finished();
  }
  serve({.error_rate = 0.5}, address);
  std::size_t after = 0;
  for (int i = 0; i < 10 && after * 10 < before * 8; ++i) {
    order(0, 600);
    after = finished().values.size();
  }
  EXPECT_GE(after * 10, before * 8);
}

TEST_F(MockstagramProviderTest, AServerThatClosesIdleConnectionsEarlyLosesNothing) {
  serve({}, "127.0.0.1:0", 5ms);
  connect();
  for (std::size_t i = 0; i < 30; ++i) {
    order(i * 10, 10);
    EXPECT_THAT(finished().values, SizeIs(10));
    EXPECT_THAT(provider_->take_finished(7ms), IsEmpty());
  }
}

TEST_F(MockstagramProviderTest, CancellingEndsEverything) {
  serve({.hang_rate = 1});
  options_.request_timeout = 60s;
  connect();
  order(0, 1000, 60s);
  EXPECT_THAT(provider_->take_finished(100ms), IsEmpty());
  provider_->cancel(50ms);
  EXPECT_THAT(finished().misses, SizeIs(1000));
}

TEST_F(MockstagramProviderTest, ANameIsReportedOnce) {
  serve();
  connect();
  order(0, 5);
  EXPECT_THAT(finished().usernames, SizeIs(5));
  order(0, 5);
  EXPECT_THAT(finished().usernames, IsEmpty());
}

TEST_F(MockstagramProviderTest, ThePaceIsKept) {
  serve();
  options_.rate_per_second = 200;
  connect();
  const auto began = clock_.mono();
  order(0, 150, 10s);
  EXPECT_THAT(finished().values, SizeIs(150));
  EXPECT_GT(clock_.mono() - began, 500ms);  // 150 less a burst of 16, at 200 a second
}

TEST_F(MockstagramProviderTest, SpeaksIpv6) {
  auto probe =
      MockstagramServer::start({.listen = "[::1]:0", .influencers = everyone_}, clock_, log_);
  if (!probe) GTEST_SKIP() << "SKIPPED: no IPv6 here: " << probe.error().message;
  serve({}, "[::1]:0");
  connect();
  EXPECT_EQ(fetch_all(10), 40U);
}

}  // namespace
}  // namespace ia
