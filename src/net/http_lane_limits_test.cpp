#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "net/lane_fixture.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

using HttpLaneLimitsTest = LaneTest;

// Answers everything, and counts.
struct Counting {
  std::atomic<std::size_t> requests = 0;
  ScriptedServer server{[this](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      ++requests;
      if (!peer.send(answer_to(*path))) return;
    }
  }};
};

class HttpLanePaceTest : public LaneTimeTest {
 protected:
  std::int64_t now() const { return manual_.wall().time_since_epoch().count(); }
  std::int64_t come() const { return static_cast<std::int64_t>(upstream_.requests); }

  // What is posted to the lane before this has happened after it.
  void settle() {
    start({}, kForever, 2);
    finish();
  }
  // Moves the time on in steps of `step`. At each moment as many requests as the rate allows have
  // come, and never more.
  void expect_pace(std::int64_t per_ms, milliseconds step) {
    const auto began = now();
    const auto before = come();
    ASSERT_TRUE(comes_true([&] {
      if (come() == before) manual_.advance(milliseconds{1});
      return come() > before;
    }));
    const auto first = now();
    for (int i = 0; i < 20; ++i) {
      manual_.advance(step);
      ASSERT_TRUE(comes_true([&] { return come() - before >= per_ms * (now() - first); }));
      ASSERT_LE(come(), allowed_ + per_ms * (now() - began));
    }
    allowed_ += per_ms * (now() - began);
  }

  Counting upstream_;
  std::int64_t allowed_ = 0;  // until now
};

TEST_F(HttpLanePaceTest, IsKeptAndAChangeTakesEffectAtOnce) {
  open(upstream_.server, patient({.rate_per_second = 1'000, .tick = milliseconds{1}}));
  start(ids(1, 2'000), kForever);
  expect_pace(1, milliseconds{10});
  lane_->set_rate(3'000);
  settle();
  expect_pace(3, milliseconds{5});
  lane_->set_rate(2'000);
  settle();
  expect_pace(2, milliseconds{5});
  EXPECT_LT(upstream_.requests, 2'000u);
  lane_->set_rate(0);
  EXPECT_THAT(finish().values, SizeIs(2'000)) << "no time has to pass for the rest";
}

// What comes in one tick is not cut off by the bucket's size.
TEST_F(HttpLanePaceTest, IsKeptInLongTicksToo) {
  open(upstream_.server, patient({.rate_per_second = 1'000, .tick = milliseconds{20}}));
  start(ids(1, 10'000), kForever);
  expect_pace(1, milliseconds{30});
}

TEST_F(HttpLaneLimitsTest, NeverBeatsItsRate) {
  ScriptedServer server(answer_all);
  open(server, {.rate_per_second = 2'000, .tick = milliseconds{5}});
  const auto began = clock_.mono();
  EXPECT_THAT(fetch(ids(1, 300)).values, SizeIs(300));
  EXPECT_GE(clock_.mono() - began, milliseconds{139}) << "but for a burst of 21";
}

TEST_F(HttpLaneLimitsTest, SaysHowItGoes) {
  ScriptedServer server(answer_all);
  open(server, {.max_connections = 4});
  fetch(ids(1, 100));
  ASSERT_TRUE(comes_true([&] { return lane_->health().requests_total == 100; }));
  const auto health = lane_->health();
  EXPECT_EQ(health.waiting + health.in_flight + health.retries_total, 0u);
  EXPECT_EQ(health.connections, server.connections());
  EXPECT_GT(health.p50.count(), 0);
  EXPECT_GE(health.p99, health.p50);
  EXPECT_FALSE(health.breaker_open);
  EXPECT_EQ(health.last_error, "");
  EXPECT_EQ(counted("ia_fetch_requests_total"), 100u);
}

// What keeps a server from answering. Nothing but the ends of the orders may be needed to cope.
struct Trouble {
  const char* name;
  MissReason reason;  // of what it makes us miss
  ScriptedServer::Script script = [](ScriptedPeer& peer) { peer.hang(); };
  bool listens = true;
  double rate = 0;
};

void PrintTo(const Trouble& trouble, std::ostream* out) { *out << trouble.name; }

class TroubleTest : public LaneTest, public ::testing::WithParamInterface<Trouble> {
 protected:
  void open_into_trouble(std::size_t depth) {
    lane_.reset();
    server_ = std::make_unique<ScriptedServer>(
        GetParam().script, ScriptedServer::Options{.listens = GetParam().listens});
    auto options = patient({.url = server_->url(),
                            .max_connections = 4,
                            .pipelining = depth,
                            .rate_per_second = GetParam().rate,
                            .probe_every = kForever});
    options.pause = kForever;
    open(std::move(options));
  }
  bool is_in_trouble() const {
    const auto health = lane_->health();
    return GetParam().rate > 0 || health.requests_total > 0 || !health.last_error.empty();
  }
  // Or as overruns, as timeouts when time is short, or as an outage where that was not requested
  // which would have been answered with errors.
  static void expect_missed(const FinishedFetch& fetched, bool may_time_out) {
    auto missed = reasons(fetched);
    missed.erase(GetParam().reason);
    missed.erase(MissReason::kOverrun);
    if (GetParam().reason == MissReason::kServerError) missed.erase(MissReason::kOutage);
    if (may_time_out) missed.erase(MissReason::kTimeout);
    EXPECT_THAT(missed, IsEmpty());
    EXPECT_THAT(fetched.values, IsEmpty());
  }

  std::unique_ptr<ScriptedServer> server_;
};

TEST_P(TroubleTest, NeverHoldsAnOrderPastItsEnd) {
  for (const std::size_t depth : {1u, 8u}) {
    open_into_trouble(depth);
    expect_missed(fetch(ids(1, 500), milliseconds{100}), true);
    expect_missed(fetch(ids(1, 500), milliseconds{10}), true);
  }
}

TEST_P(TroubleTest, NeverOutlastsACancelsGrace) {
  for (const std::size_t depth : {1u, 8u}) {
    open_into_trouble(depth);
    start(ids(1, 500), kForever, 1);
    start(ids(501, 500), kForever, 2);
    ASSERT_TRUE(comes_true([&] { return is_in_trouble(); }));
    lane_->cancel(milliseconds{10});
    std::size_t ended = 0;
    while (ended < 2) {
      const auto finished = lane_->take_finished(kPatience);
      ASSERT_FALSE(finished.empty());
      ended += finished.size();
      for (const auto& one : finished) {
        expect_each_once(ids(one.ticket == 1 ? 1 : 501, 500), one);
        expect_missed(one, false);
      }
    }
    EXPECT_EQ(lane_->health().waiting, 0u);
  }
}

TEST_P(TroubleTest, LetsTheLaneEndWithWorkLeft) {
  open_into_trouble(1);
  start(ids(1, 500), kForever);
  ASSERT_TRUE(comes_true([&] { return is_in_trouble(); }));
  lane_.reset();
}

TEST_P(TroubleTest, LetsAProbeEnd) {
  open_into_trouble(1);
  open({.url = server_->url(),
        .rate_per_second = GetParam().rate,
        .connect_timeout = milliseconds{50},
        .request_timeout = milliseconds{50}});
  start(ids(1, 500), kForever);
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr(server_->url()));
}

void drip(ScriptedPeer& peer) {
  if (!peer.next_path()) return;
  peer.send("HTTP/1.1 200 OK\r\nX: ");
  while (!peer.hears(milliseconds{5}) && peer.send("x")) {
  }
}

void stop_in_the_middle(ScriptedPeer& peer) {
  const auto path = peer.next_path();
  if (!path) return;
  peer.send(answer_to(*path).substr(0, 45));
  peer.hang();
}

void always_say(ScriptedPeer& peer, const std::string& reply) {
  while (peer.next_path() && peer.send(reply)) {
  }
}

using enum MissReason;
INSTANTIATE_TEST_SUITE_P(
    Servers, TroubleTest,
    ::testing::Values(
        Trouble{"hangs", kOverrun}, Trouble{"drips", kOverrun, drip},
        Trouble{"stops_in_the_middle", kOverrun, stop_in_the_middle},
        Trouble{"limits_the_rate", kRateLimited,
                [](auto& peer) { always_say(peer, http_reply("", "429 Slow")); }},
        Trouble{"closes_at_once", kConnection, [](auto&) {}},
        Trouble{"fails", kServerError,
                [](auto& peer) { always_say(peer, http_reply("", "500 Oops")); }},
        Trouble{.name = "refuses", .reason = kConnection, .listens = false},
        Trouble{.name = "may_be_asked_once_an_hour", .reason = kOverrun, .rate = 1.0 / 3600}),
    [](const auto& trouble) { return std::string(trouble.param.name); });

TEST_F(LaneTimeTest, CountsWhatAHangingServerWasAskedAsTimeouts) {
  for (const std::size_t depth : {1u, 8u}) {
    std::atomic<std::size_t> requests = 0;
    ScriptedServer server([&](ScriptedPeer& peer) {
      while (peer.next_path()) ++requests;
    });
    begin_a_minute();
    open(server, patient({.max_connections = 4, .pipelining = depth}));
    start(ids(1, 500), kMostOfAMinute);
    ASSERT_TRUE(comes_true([&] { return requests == 4 * depth; }));
    EXPECT_EQ(reasons(finish_late_in_the_minute()), (Reasons{{kTimeout, 500}}));
  }
}

TEST_F(HttpLaneLimitsTest, GivesUpOnAReplyThatStalls) {
  ScriptedServer server(stop_in_the_middle);
  auto options = patient({.max_connections = 1});
  options.stall_timeout = milliseconds{30};
  open(server, options);
  EXPECT_EQ(reasons(fetch(ids(1, 1), kForever)), (Reasons{{kTimeout, 1}}));
  EXPECT_EQ(server.connections(), 3u);
}

TEST_F(HttpLaneLimitsTest, GivesUpOnAReplyThatDrips) {
  ScriptedServer server(drip);
  auto options = patient({.max_connections = 1});
  options.request_timeout = milliseconds{100};
  open(server, options);
  EXPECT_EQ(reasons(fetch(ids(1, 1), kForever)), (Reasons{{kTimeout, 1}}));
  EXPECT_EQ(server.connections(), 3u);
}

TEST_F(HttpLaneLimitsTest, AsksNobodyForAnOrderThatComesTooLate) {
  Counting upstream;
  open(upstream.server);
  fetch(ids(1, 1));
  EXPECT_EQ(reasons(fetch(ids(1, 100), milliseconds{-1})), (Reasons{{kOverrun, 100}}));
  EXPECT_EQ(upstream.requests, 1u);
}

TEST_F(HttpLaneLimitsTest, GivesRepliesTheGraceOfACancelAndBeginsNothingMore) {
  std::atomic<std::size_t> requests = 0;
  std::atomic<bool> is_cancelled = false;
  ScriptedServer server([&](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      ++requests;
      comes_true([&] { return is_cancelled.load(); });
      if (!peer.send(answer_to(*path))) return;
    }
  });
  open(server, patient({.max_connections = 4}));
  start(ids(1, 500), kForever);
  ASSERT_TRUE(comes_true([&] { return requests == 4; }));
  lane_->cancel(kForever);
  is_cancelled = true;
  const auto fetched = finish();
  expect_each_once(ids(1, 500), fetched);
  EXPECT_THAT(fetched.values, SizeIs(4));
  EXPECT_EQ(reasons(fetched), (Reasons{{kOverrun, 496}}));
  EXPECT_EQ(requests, 4u);
}

TEST_F(HttpLaneLimitsTest, WorksAfterACancel) {
  std::atomic<bool> hangs = true;
  ScriptedServer server([&](ScriptedPeer& peer) {
    if (hangs) return peer.hang();
    answer_all(peer);
  });
  open(server, patient({.max_connections = 4}));
  start(ids(1, 100), kForever);
  ASSERT_TRUE(comes_true([&] { return lane_->health().in_flight == 4; }));
  lane_->cancel(milliseconds{1});
  EXPECT_EQ(reasons(finish()), (Reasons{{kOverrun, 100}}));
  EXPECT_EQ(reasons(fetch(ids(1, 4), milliseconds{50})), (Reasons{{kTimeout, 4}}));
  hangs = false;
  EXPECT_THAT(fetch(ids(1, 100)).values, SizeIs(100));
}

class RetryAfterTest : public LaneTest {
 protected:
  // The client may not say a word for nearly a second, though it would wait for some milliseconds
  // if it had not been told.
  void expect_a_second_after(const std::string& status, const std::string& field) {
    std::atomic<int> requests = 0;
    std::atomic<bool> was_heard = false;
    ScriptedServer server([&](ScriptedPeer& peer) {
      if (const auto path = peer.next_path(); path && ++requests == 1) {
        peer.send(http_reply("", status, field));
        was_heard = peer.hears(milliseconds{900});
      } else if (path) {
        peer.send(answer_to(*path));
      }
      answer_all(peer);
    });
    open(server, {.max_connections = 1});
    EXPECT_THAT(fetch(ids(1, 3)).values, SizeIs(3));
    EXPECT_FALSE(was_heard);
  }
};

TEST_F(RetryAfterTest, IsObeyedWhenTooManyRequestsCame) {
  expect_a_second_after("429 Slow", "Retry-After: 1\r\n");
}

TEST_F(RetryAfterTest, IsObeyedWhenTheServerIsBusy) {
  expect_a_second_after("503 Busy", "RETRY-AFTER:1\r\n");
}

TEST_F(RetryAfterTest, IsASecondAtLeastWhenItIsADate) {
  expect_a_second_after("429 Slow", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

TEST_F(LaneTimeTest, MissesWhatAPauseHeldBack) {
  Repeating upstream(http_reply("", "429 Slow", "Retry-After: 300\r\n"));
  open(upstream.server, patient({.max_connections = 1}));
  start(ids(1, 50), kForever);
  wait_for_trouble();
  EXPECT_EQ(upstream.requests, 1u);
  EXPECT_THAT(lane_->health().last_error, HasSubstr("Retry-After \"300\": waiting 300 s"));
  lane_->cancel(milliseconds{0});
  finish();
  start(ids(1, 50), seconds{30});
  manual_.advance(seconds{40});
  EXPECT_EQ(reasons(finish()), (Reasons{{kRateLimited, 50}}));
  EXPECT_EQ(upstream.requests, 1u);
}

// 256 failures, and what was under way then.
TEST_F(LaneTimeTest, AsksNoMoreWhenNearlyEverythingFails) {
  Repeating upstream(http_reply("", "500 Oops"));
  auto options = patient({.url = upstream.server.url(), .max_connections = 4});
  options.probe_every = 4 * kForever;
  open(options);
  start(ids(1, 1'000), kMostOfAMinute);
  ASSERT_TRUE(comes_true([&] { return upstream.requests >= 256; }));
  ASSERT_TRUE(comes_true([&] {
    manual_.advance(milliseconds{60});
    return lane_->health().breaker_open;
  }));
  const auto missed = reasons(finish_late_in_the_minute());
  EXPECT_LE(upstream.requests, 259u);
  EXPECT_EQ(missed.at(kServerError) + missed.at(kOutage), 1'000u);
  EXPECT_LE(missed.at(kServerError), 259u) << "what was not requested was not answered";
}

TEST_F(HttpLaneLimitsTest, GoesOnWhenTheServerWorksAgain) {
  std::atomic<bool> works = false;
  ScriptedServer server([&](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      if (!peer.send(works ? answer_to(*path) : http_reply("", "500 Oops"))) return;
    }
  });
  open(server, {.max_connections = 4});
  start(ids(1, 1'000));
  ASSERT_TRUE(comes_true([&] { return lane_->health().breaker_open; }));
  works = true;
  const auto fetched = finish();
  expect_each_once(ids(1, 1'000), fetched);
  EXPECT_GT(fetched.values.size(), 500u);
  EXPECT_THAT(fetch(ids(1, 1'000)).values, SizeIs(1'000));
}

TEST_F(LaneTimeTest, MissesEverythingWhileNobodyListens) {
  ScriptedServer server(answer_all, {.listens = false});
  open(server);
  start(ids(1, 50), kMostOfAMinute);
  wait_for_trouble();
  EXPECT_THAT(lane_->health().last_error, HasSubstr("refused"));
  auto missed = reasons(finish_late_in_the_minute());
  missed.erase(kTimeout);  // of connections that were just being tried again
  EXPECT_THAT(missed, ElementsAre(Pair(kConnection, Gt(0u))));
}

// Nobody was asked, so nobody's attempts are used up.
TEST_F(HttpLaneLimitsTest, GoesOnWhenTheServerComesBack) {
  ScriptedServer server(answer_all, {.listens = false});
  open(server);
  start(ids(1, 50));
  ASSERT_TRUE(comes_true([&] { return lane_->health().breaker_open; }));
  server.listen();
  EXPECT_THAT(finish().values, SizeIs(50));
}

TEST_F(HttpLaneLimitsTest, SaysWhichNameCannotBeResolved) {
  open({.url = "http://no-such-host.invalid:1",
        .connect_timeout = milliseconds{50},
        .request_timeout = milliseconds{50}});
  EXPECT_EQ(reasons(fetch(ids(1, 3), milliseconds{500})), (Reasons{{kConnection, 3}}));
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr("no-such-host.invalid"));
}

class ProbeTest : public LaneTest {
 protected:
  static HttpLaneOptions for_seven(HttpLaneOptions options = {}) {
    options.probe_influencer = InfluencerId{7};
    return options;
  }
};

TEST_F(ProbeTest, IsContentWithAServerThatAnswers) {
  Counting upstream;
  open(upstream.server, for_seven());
  EXPECT_TRUE(lane_->probe());
  EXPECT_EQ(upstream.requests, 1u);
  EXPECT_THAT(lane_->take_finished(milliseconds{0}), IsEmpty());
}

TEST_F(ProbeTest, IsContentWithAServerThatDeniesTheInfluencer) {
  Repeating upstream(http_reply("", "404 No"));
  open(upstream.server, for_seven());
  EXPECT_TRUE(lane_->probe());
}

TEST_F(ProbeTest, SaysWhyItFailed) {
  const auto message_of = [&](const ScriptedServer& server) {
    open(server, {.connect_timeout = milliseconds{300}, .request_timeout = milliseconds{300}});
    const auto probed = lane_->probe();
    return probed ? std::string("none") : probed.error().message;
  };
  ScriptedServer deaf(answer_all, {.listens = false});
  EXPECT_THAT(message_of(deaf), HasSubstr(deaf.url() + ": connection: "));
  EXPECT_THAT(message_of(deaf), HasSubstr("refused"));
  ScriptedServer hung([](ScriptedPeer& peer) { peer.hang(); });
  EXPECT_THAT(message_of(hung), HasSubstr("timeout"));
  Repeating other(http_reply("<html>welcome</html>"));
  EXPECT_THAT(message_of(other.server), HasSubstr("malformed"));
  Repeating limited(http_reply("", "429 Slow", "Retry-After: 300\r\n"));
  EXPECT_THAT(message_of(limited.server), HasSubstr("Retry-After \"300\": waiting 300 s"));
}

// The order alone takes a minute, and is not touched.
TEST_F(ProbeTest, ComesBeforeWhatWaits) {
  Counting upstream;
  open(upstream.server, for_seven({.rate_per_second = 20}));
  start(ids(100, 1'200), kForever);
  EXPECT_TRUE(lane_->probe());
  EXPECT_THAT(lane_->take_finished(milliseconds{0}), IsEmpty());
  lane_->cancel(kPatience);
  expect_each_once(ids(100, 1'200), finish());
}

TEST_F(ProbeTest, MayRunBesideOrders) {
  Counting upstream;
  open(upstream.server, for_seven({.max_connections = 4}));
  std::atomic<bool> is_over = false;
  std::atomic<int> probes = 0;
  std::thread prober([&] {
    while (!is_over) {
      EXPECT_TRUE(lane_->probe());
      ++probes;
    }
  });
  std::size_t fetched = 0;
  for (int i = 0; i < 20 || probes < 20; ++i) fetched += fetch(ids(1, 200)).values.size();
  is_over = true;
  prober.join();
  EXPECT_EQ(fetched + static_cast<std::size_t>(probes), upstream.requests);
}

// The sink would never hear of the name.
TEST_F(ProbeTest, TakesNoNewsFromOrders) {
  ScriptedServer server(answer_all);
  open(server, for_seven());
  EXPECT_TRUE(lane_->probe());
  EXPECT_THAT(fetch(ids(7, 1)).usernames, SizeIs(1));
}

// Interim replies are passed over, however many come.
TEST_F(HttpLaneLimitsTest, IsNotHeldUpByAConnectionThatNeverStopsTalking) {
  std::string interim;
  for (int i = 0; i < 4096; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  ScriptedServer server([&](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      if (!peer.send(id_in(*path) == 1 ? interim : answer_to(*path))) return;
      while (id_in(*path) == 1 && peer.send(interim)) continue;
    }
  });
  open(server, patient({.max_connections = 2}));
  start(ids(1, 1), kForever, 1);
  ASSERT_TRUE(comes_true([&] { return server.connections() > 0; }));
  start(ids(2, 100), kPatience, 2);
  const auto others = finish();
  EXPECT_EQ(others.ticket, 2u);
  EXPECT_THAT(others.values, SizeIs(100));
}

TEST(HttpLane, RefusesOptionsThatCannotBeUsed) {
  const SystemClock clock;
  Metrics metrics;
  Log log(LogLevel::kError, LogFormat::kText);
  const auto message_of = [&](HttpLaneOptions options) {
    if (options.url.empty()) options.url = "http://127.0.0.1:1";
    const auto lane =
        HttpLane::create(options, std::make_unique<PlainDialect>(), clock, metrics, log);
    return lane ? std::string("none") : lane.error().message;
  };
  EXPECT_EQ(message_of({}), "none");
  EXPECT_THAT(message_of({.url = "ftp://x"}), HasSubstr("http://"));
  EXPECT_THAT(message_of({.url = "https://x", .ca_file = "/no/such.pem"}),
              HasSubstr("/no/such.pem"));
  EXPECT_THAT(message_of({.max_connections = 0}), HasSubstr("connections"));
  EXPECT_THAT(message_of({.pipelining = 0}), HasSubstr("pipelining"));
  EXPECT_THAT(message_of({.pipelining = 65}), HasSubstr("pipelining"));
  EXPECT_THAT(message_of({.rate_per_second = -1}), HasSubstr("rate"));
  EXPECT_THAT(message_of({.rate_per_second = std::nan("")}), HasSubstr("rate"));
  EXPECT_THAT(message_of({.tick = milliseconds{0}}), HasSubstr("tick"));
  EXPECT_THAT(message_of({.request_timeout = milliseconds{0}}), HasSubstr("timeouts"));
}

}  // namespace
}  // namespace ia
