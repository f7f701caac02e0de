#include "net/http_lane.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "net/lane_fixture.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Plays `text` as the answer to every request, and counts them.
struct Repeating {
  std::string text;
  std::atomic<std::size_t> requests = 0;
  ScriptedServer server{[this](ScriptedPeer& peer) {
    while (peer.next_path()) {
      ++requests;
      if (!peer.send(text)) return;
    }
  }};
  explicit Repeating(std::string what) : text(std::move(what)) {}
};

using HttpLaneTest = LaneTest;

TEST_F(HttpLaneTest, FetchesEveryInfluencerOfAnOrder) {
  ScriptedServer server(answer_all);
  open(server);
  const auto before = clock_.wall();
  const auto fetched = fetch(ids(1, 100));
  const auto after = clock_.wall();

  ASSERT_THAT(fetched.values, SizeIs(100));
  EXPECT_EQ(fetched.ticket, 1u);
  EXPECT_EQ(fetched.values[6].counts, (Counts{70, 5}));
  for (const auto& value : fetched.values) {
    EXPECT_GE(value.retrieved_at, before);
    EXPECT_LE(value.retrieved_at, after);
  }
}

TEST_F(HttpLaneTest, FinishesAnEmptyOrderAtOnce) {
  ScriptedServer server(answer_all);
  open(server);
  EXPECT_THAT(fetch({}).values, IsEmpty());
}

TEST_F(HttpLaneTest, ReportsANameOnceAndAgainWhenItChanges) {
  std::atomic<int> round = 0;
  ScriptedServer server([&](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      const auto id = id_in(*path);
      const auto name = id == 2 && round == 2 ? "new" : "old";
      peer.send(http_reply(std::to_string(id) + " 1 1 " + name));
    }
  });
  open(server);
  const auto first = fetch(ids(1, 3)).usernames;
  round = 1;
  const auto second = fetch(ids(1, 3)).usernames;
  round = 2;
  const auto third = fetch(ids(1, 3)).usernames;

  const auto name = [](std::uint64_t id, const char* text) {
    return Username{InfluencerId{id}, text};
  };
  EXPECT_EQ(first, (std::vector{name(1, "old"), name(2, "old"), name(3, "old")}));
  EXPECT_THAT(second, IsEmpty());
  EXPECT_EQ(third, std::vector{name(2, "new")});
}

TEST_F(HttpLaneTest, PutsThePrefixOfTheUrlBeforeThePath) {
  std::string seen;
  ScriptedServer server([&](ScriptedPeer& peer) {
    seen = peer.next_path().value_or("");
    peer.send(http_reply(body_for(7)));
  });
  open({.url = server.url() + "/mock/"});
  EXPECT_THAT(fetch(ids(7, 1)).values, SizeIs(1));
  EXPECT_EQ(seen, "/mock/of/7");
}

TEST_F(HttpLaneTest, ReusesItsConnections) {
  ScriptedServer server(answer_all);
  open(server, {.max_connections = 4});
  EXPECT_THAT(fetch(ids(1, 200)).values, SizeIs(200));
  EXPECT_LE(server.connections(), 4u);
}

TEST_F(HttpLaneTest, KeepsARateInTicks) {
  ScriptedServer server(answer_all);
  open(server, {.rate_per_second = 2'000, .tick = milliseconds{5}});
  EXPECT_THAT(fetch(ids(1, 300)).values, SizeIs(300));
  EXPECT_EQ(lane_->health().waiting, 0u);
}

TEST_F(HttpLaneTest, PutsARepliesPartsTogether) {
  ScriptedServer server([](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      const auto reply = answer_to(*path);
      const auto cut = id_in(*path) % reply.size();
      peer.send(reply.substr(0, cut));
      peer.hears(milliseconds{1});
      peer.send(reply.substr(cut));
    }
  });
  open(server, {.max_connections = 8});
  EXPECT_THAT(fetch(ids(1, 120)).values, SizeIs(120));
}

TEST_F(HttpLaneTest, ReadsChunkedRepliesAndRepliesThatEndWithTheConnection) {
  ScriptedServer server([](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      const auto body = body_for(id_in(*path));
      if (id_in(*path) % 2 == 0) {
        ASSERT_EQ(body.size(), 19u);
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n" + body.substr(0, 3) +
                  "\r\n10\r\n" + body.substr(3) + "\r\n0\r\n\r\n");
      } else {
        peer.send("HTTP/1.0 200 OK\r\n\r\n" + body);
        return;
      }
    }
  });
  open(server, {.max_connections = 2});
  const auto fetched = fetch(ids(100, 6));
  EXPECT_THAT(fetched.values, SizeIs(6));
  EXPECT_EQ(lane_->health().retries_total, 0u);
}

// Node closes idle connections after some seconds, and a request may be on its way just then.
TEST_F(HttpLaneTest, TakesAConnectionThatClosedBetweenRepliesForNoFailure) {
  ScriptedServer server([](ScriptedPeer& peer) {
    for (int i = 0; i < 3; ++i) {
      const auto path = peer.next_path();
      if (!path || !peer.send(answer_to(*path))) return;
    }
  });
  open(server, {.max_connections = 4});
  EXPECT_THAT(fetch(ids(1, 100)).values, SizeIs(100));
  ASSERT_TRUE(comes_true([&] { return lane_->health().connections == 0; }));
  EXPECT_EQ(counted("ia_fetch_retries_total"), 0u);
  EXPECT_EQ(counted("ia_fetch_replies_total{outcome=\"connection\"}"), 0u);
}

TEST_F(HttpLaneTest, ObeysConnectionClose) {
  ScriptedServer server([](ScriptedPeer& peer) {
    const auto path = peer.next_path();
    if (path) peer.send(http_reply(body_for(id_in(*path)), "200 OK", "Connection: close\r\n"));
    peer.hang();
  });
  open(server, {.max_connections = 4});
  EXPECT_THAT(fetch(ids(1, 20)).values, SizeIs(20));
  EXPECT_EQ(server.connections(), 20u);
}

TEST_F(HttpLaneTest, ClosesIdleConnections) {
  std::atomic<int> closed = 0;
  ScriptedServer server([&](ScriptedPeer& peer) {
    answer_all(peer);
    ++closed;
  });
  open(server, {.max_connections = 3, .idle_timeout = milliseconds{20}});
  fetch(ids(1, 30));
  EXPECT_TRUE(comes_true([&] { return closed > 0 && lane_->health().connections == 0; }));
}

// What a server may answer, and what becomes of it.
struct BadReply {
  const char* name;
  std::string reply;
  MissReason reason;
  std::size_t requests;  // one, or three when it is worth another try
};

void PrintTo(const BadReply& bad, std::ostream* out) { *out << bad.name; }

class BadReplyTest : public LaneTest, public ::testing::WithParamInterface<BadReply> {};

TEST_P(BadReplyTest, IsMissedForItsReason) {
  const auto& bad = GetParam();
  for (const std::size_t depth : {1u, 4u}) {
    Repeating upstream(bad.reply);
    open(upstream.server, {.max_connections = 1, .pipelining = depth});
    const auto fetched = fetch(ids(7, 1));
    EXPECT_THAT(fetched.values, IsEmpty());
    EXPECT_EQ(reasons(fetched), (Reasons{{bad.reason, 1}}));
    EXPECT_EQ(upstream.requests, bad.requests);
  }
}

// The sound ones must not be harmed.
TEST_P(BadReplyTest, HarmsNobodyElse) {
  const auto& bad = GetParam();
  ScriptedServer server([&](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      if (!peer.send(id_in(*path) % 10 == 0 ? bad.reply : answer_to(*path))) return;
    }
  });
  open(server, {.max_connections = 4});
  const auto fetched = fetch(ids(1, 20));
  EXPECT_THAT(fetched.values, SizeIs(18));
  EXPECT_EQ(reasons(fetched), (Reasons{{bad.reason, 2}}));
}

INSTANTIATE_TEST_SUITE_P(
    Replies, BadReplyTest,
    ::testing::Values(
        BadReply{"not_found", http_reply("", "404 Not Found"), MissReason::kNotFound, 1},
        BadReply{"gone", http_reply("", "410 Gone"), MissReason::kNotFound, 1},
        BadReply{"bad_request", http_reply("", "400 Bad Request"), MissReason::kServerError, 1},
        BadReply{"forbidden", http_reply("", "403 Forbidden"), MissReason::kServerError, 1},
        BadReply{"redirect", http_reply("", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
                 MissReason::kServerError, 1},
        BadReply{"no_content", "HTTP/1.1 204 No Content\r\n\r\n", MissReason::kServerError, 1},
        BadReply{"server_error", http_reply("", "500 Oops"), MissReason::kServerError, 3},
        BadReply{"bad_gateway", http_reply("<html>", "502 Bad Gateway"), MissReason::kServerError,
                 3},
        BadReply{"busy", http_reply("", "503 Busy"), MissReason::kServerError, 3},
        BadReply{"request_timeout", http_reply("", "408 Late"), MissReason::kServerError, 3},
        BadReply{"too_many", http_reply("", "429 Slow"), MissReason::kRateLimited, 3},
        BadReply{"too_many_with_junk", http_reply("", "429 Slow", "Retry-After: soon\r\n"),
                 MissReason::kRateLimited, 3},
        BadReply{"not_the_format", http_reply("<html>oops</html>"), MissReason::kMalformed, 3},
        BadReply{"empty_body", http_reply(""), MissReason::kMalformed, 3},
        BadReply{"wrong_id", http_reply("4711 1 1 x"), MissReason::kMalformed, 3},
        BadReply{"no_http", "SSH-2.0-OpenSSH_9.2\r\n\r\n", MissReason::kMalformed, 3},
        BadReply{"negative_length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                 MissReason::kMalformed, 3},
        BadReply{"two_lengths",
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                 MissReason::kMalformed, 3},
        BadReply{"length_and_chunked",
                 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "0\r\n\r\n",
                 MissReason::kMalformed, 3},
        BadReply{"bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 MissReason::kMalformed, 3},
        BadReply{"compressed", http_reply(body_for(7), "200 OK", "Content-Encoding: gzip\r\n"),
                 MissReason::kMalformed, 3},
        BadReply{"large_body", "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n",
                 MissReason::kMalformed, 3},
        BadReply{"large_header", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'),
                 MissReason::kMalformed, 3}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST_F(HttpLaneTest, GivesUpOnServersThatCloseWithoutAWord) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.next_path(); });
  open(server, {.max_connections = 1});
  EXPECT_EQ(reasons(fetch(ids(1, 5))), (Reasons{{MissReason::kConnection, 5}}));
}

TEST_F(HttpLaneTest, TakesATruncatedReplyForNoValue) {
  ScriptedServer server([](ScriptedPeer& peer) {
    const auto path = peer.next_path();
    if (path) peer.send(answer_to(*path).substr(0, 45));
  });
  open(server, {.max_connections = 1});
  EXPECT_EQ(reasons(fetch(ids(1, 3))), (Reasons{{MissReason::kConnection, 3}}));
}

TEST_F(HttpLaneTest, RecoversFromResets) {
  ScriptedServer server([](ScriptedPeer& peer) {
    const auto path = peer.next_path();
    if (!path) return;
    if (peer.number() % 3 == 0) return peer.reset();
    peer.send(answer_to(*path));
    answer_all(peer);
  });
  open(server, {.max_connections = 6});
  EXPECT_THAT(fetch(ids(1, 50)).values, SizeIs(50));
}

TEST_F(HttpLaneTest, GivesUpOnAReplyThatStalls) {
  ScriptedServer server([](ScriptedPeer& peer) {
    const auto path = peer.next_path();
    if (!path) return;
    peer.send(answer_to(*path).substr(0, 20));
    peer.hang();
  });
  open(server, {.max_connections = 1, .stall_timeout = milliseconds{30}});
  EXPECT_EQ(reasons(fetch(ids(1, 1))), (Reasons{{MissReason::kTimeout, 1}}));
}

TEST_F(HttpLaneTest, GivesUpOnAReplyThatDrips) {
  ScriptedServer server([](ScriptedPeer& peer) {
    if (!peer.next_path()) return;
    peer.send("HTTP/1.1 200 OK\r\nX: ");
    while (!peer.hears(milliseconds{5}) && peer.send("x")) {
    }
  });
  open(server, {.max_connections = 1, .request_timeout = milliseconds{100}});
  EXPECT_EQ(reasons(fetch(ids(1, 1))), (Reasons{{MissReason::kTimeout, 1}}));
}

TEST_F(HttpLaneTest, FinishesAnOrderInTimeWhenTheServerHangs) {
  for (const std::size_t depth : {1u, 8u}) {
    ScriptedServer server([](ScriptedPeer& peer) { peer.hang(); });
    open(server, {.max_connections = 4, .pipelining = depth});
    const auto fetched = fetch(ids(1, 500), milliseconds{200});
    const auto missed = reasons(fetched);
    EXPECT_THAT(fetched.values, IsEmpty());
    EXPECT_GE(missed.at(MissReason::kTimeout), 4u);
    EXPECT_EQ(missed.at(MissReason::kTimeout) + missed.at(MissReason::kOverrun), 500u);
  }
}

TEST_F(HttpLaneTest, ClosesAConnectionThatSaysMoreThanItWasAsked) {
  ScriptedServer server([](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      if (!peer.send(answer_to(*path) + "HTTP/1.1 200 OK\r\n")) return;
    }
  });
  open(server, {.max_connections = 2});
  const auto fetched = fetch(ids(1, 10));
  EXPECT_THAT(fetched.values, SizeIs(10));
  EXPECT_EQ(server.connections(), 10u);
}

TEST_F(HttpLaneTest, WaitsAsLongAsTheServerSays) {
  for (const char* field :
       {"Retry-After: 1\r\n", "retry-after: Mon, 23 Nov 2026 18:00:00 GMT\r\n"}) {
    for (const char* status : {"429 Slow", "503 Busy"}) {
      std::atomic<int> requests = 0;
      std::atomic<bool> was_heard = false;
      ScriptedServer server([&](ScriptedPeer& peer) {
        const auto path = peer.next_path();
        if (!path) return;
        if (++requests > 1) {
          peer.send(answer_to(*path));
          return answer_all(peer);
        }
        peer.send(http_reply("", status, field));
        was_heard = peer.hears(milliseconds{900});
        answer_all(peer);
      });
      open(server, {.max_connections = 1});
      EXPECT_THAT(fetch(ids(1, 3)).values, SizeIs(3));
      EXPECT_FALSE(was_heard);
    }
  }
}

TEST_F(HttpLaneTest, MissesWhatAPauseHeldBack) {
  Repeating upstream(http_reply("", "429 Slow", "Retry-After: 300\r\n"));
  open(upstream.server, {.max_connections = 1});
  EXPECT_EQ(reasons(fetch(ids(1, 50), milliseconds{300})),
            (Reasons{{MissReason::kRateLimited, 50}}));
  EXPECT_EQ(upstream.requests, 1u);
}

TEST_F(HttpLaneTest, MissesEverythingWhileNobodyListens) {
  ScriptedServer server(answer_all, {.listens = false});
  open(server);
  EXPECT_EQ(reasons(fetch(ids(1, 50), milliseconds{200})),
            (Reasons{{MissReason::kConnection, 50}}));
  EXPECT_THAT(lane_->health().last_error, HasSubstr("refused"));
}

TEST_F(HttpLaneTest, GoesOnWhenTheServerComesBack) {
  ScriptedServer server(answer_all, {.listens = false});
  open(server);
  start(ids(1, 50));
  ASSERT_TRUE(comes_true([&] { return !lane_->health().last_error.empty(); }));
  server.listen();
  EXPECT_THAT(finish().values, SizeIs(50));
}

TEST_F(HttpLaneTest, PipelinesRequests) {
  std::atomic<std::size_t> together = 0;
  ScriptedServer server([&](ScriptedPeer& peer) {
    std::string replies;
    std::size_t count = 0;
    while (const auto path = peer.next_path()) {
      replies += answer_to(*path);
      ++count;
      if (count < 8 && peer.hears(milliseconds{20})) continue;
      if (count > together) together = count;
      peer.send(std::exchange(replies, {}));
      count = 0;
    }
  });
  open(server, {.max_connections = 1, .pipelining = 8});
  EXPECT_THAT(fetch(ids(1, 80)).values, SizeIs(80));
  EXPECT_EQ(together, 1u);  // next_path reads all eight: nothing more is heard
}

TEST_F(HttpLaneTest, StopsPipeliningWhenRepliesAreCrossed) {
  std::atomic<bool> still_pipelines = false;
  ScriptedServer server([&](ScriptedPeer& peer) {
    std::optional<std::string> held;
    while (const auto path = peer.next_path()) {
      if (peer.number() > 0 && peer.has_next()) still_pipelines = true;
      if (id_in(*path) % 8 == 3 && peer.number() == 0) {
        held = path;
      } else {
        peer.send(answer_to(*path) + (held ? answer_to(*std::exchange(held, {})) : ""));
      }
    }
  });
  open(server, {.max_connections = 1, .pipelining = 8});
  const auto fetched = fetch(ids(1, 64));
  EXPECT_THAT(fetched.values, SizeIs(64));
  for (const auto& value : fetched.values) {
    EXPECT_EQ(value.counts.followers, static_cast<std::int64_t>(number_of(value.influencer)) * 10);
  }
  EXPECT_FALSE(still_pipelines);
}

TEST_F(HttpLaneTest, RepeatsWhatAPipelinedServerLeftUnanswered) {
  ScriptedServer server([](ScriptedPeer& peer) {
    for (int answered = 0; answered < 20; ++answered) {
      const auto path = peer.next_path();
      if (!path || !peer.send(answer_to(*path))) return;
    }
  });
  open(server, {.max_connections = 2, .pipelining = 8});
  EXPECT_THAT(fetch(ids(1, 64)).values, SizeIs(64));
}

// A tenth of the replies is bad in some way; who is served badly is decided by the id alone.
TEST_F(HttpLaneTest, EndsEachOfTenThousandOnceWhateverHappens) {
  for (const std::size_t depth : {1u, 8u}) {
    ScriptedServer server([](ScriptedPeer& peer) {
      std::size_t served = 0;
      while (const auto path = peer.next_path()) {
        const auto id = id_in(*path);
        const auto bad = id * 2654435761u % 97;
        if (bad == 1) return;
        if (bad == 2) return peer.reset();
        if (bad == 3) return static_cast<void>(peer.send(answer_to(*path).substr(0, 30)));
        const auto reply = bad == 4   ? http_reply("", "404 No")
                           : bad == 5 ? http_reply("", "500 No")
                           : bad == 6 ? answer_to("/of/1")
                           : bad == 7 ? answer_to(*path) + "?"
                                      : answer_to(*path);
        if (!peer.send(reply) || ++served == 300) return;
      }
    });
    open(server, {.max_connections = 64, .pipelining = depth});
    std::map<std::uint64_t, std::vector<InfluencerId>> asked;
    for (std::uint64_t i = 0; i < 10; ++i) {
      asked[i] = ids(1'000'000 + i * 1'000, 1'000);
      start(asked[i], seconds{20}, i);
    }
    std::set<std::uint64_t> tickets;
    std::size_t values = 0;
    while (tickets.size() < 10) {
      const auto finished = lane_->take_finished(kPatience);
      ASSERT_FALSE(finished.empty());
      for (const auto& fetch : finished) {
        EXPECT_TRUE(tickets.insert(fetch.ticket).second);
        expect_each_once(asked[fetch.ticket], fetch);
        values += fetch.values.size();
      }
    }
    EXPECT_GT(values, 9'000u);
    EXPECT_THAT(lane_->take_finished(milliseconds{0}), IsEmpty());
    EXPECT_EQ(lane_->health().waiting, 0u);
  }
}

TEST_F(HttpLaneTest, CutsEverythingShortWhenCancelled) {
  ScriptedServer server([](ScriptedPeer& peer) {
    const auto path = peer.next_path();
    if (path && peer.number() == 0) peer.send(answer_to(*path));
    peer.hang();
  });
  open(server, {.max_connections = 4});
  start(ids(1, 500));
  ASSERT_TRUE(comes_true([&] { return lane_->health().in_flight == 4; }));
  lane_->cancel(milliseconds{10});
  const auto fetched = finish();
  expect_each_once(ids(1, 500), fetched);
  EXPECT_EQ(reasons(fetched), (Reasons{{MissReason::kOverrun, 499}}));
}

TEST_F(HttpLaneTest, EndsQuicklyWithWorkLeft) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.hang(); });
  open(server);
  start(ids(1, 1'000));
  ASSERT_TRUE(comes_true([&] { return lane_->health().in_flight > 0; }));
  lane_.reset();
}

TEST_F(HttpLaneTest, SpeaksIPv6) {
  ScriptedServer server(answer_all, {.family = AF_INET6});
  if (!server.is_bound()) GTEST_SKIP() << "this machine has no ::1: IPv6 is NOT tested";
  open(server);
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

TEST_F(HttpLaneTest, ResolvesNames) {
  ScriptedServer server(answer_all);
  open({.url = "http://localhost:" + std::to_string(server.port())});
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

TEST_F(HttpLaneTest, SaysWhichNameCannotBeResolved) {
  open({.url = "http://no-such-host.invalid:1"});
  EXPECT_EQ(reasons(fetch(ids(1, 3), milliseconds{500})), (Reasons{{MissReason::kConnection, 3}}));
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr("no-such-host.invalid"));
}

TEST_F(HttpLaneTest, ProbesAServer) {
  ScriptedServer server(answer_all);
  open(server);
  EXPECT_TRUE(lane_->probe());
}

TEST_F(HttpLaneTest, ProbesAServerThatDeniesTheInfluencer) {
  Repeating upstream(http_reply("", "404 No"));
  open(upstream.server);
  EXPECT_TRUE(lane_->probe());
}

TEST_F(HttpLaneTest, SaysWhyAProbeFailed) {
  const auto message_of = [&](ScriptedServer& server) {
    open(server, {.connect_timeout = milliseconds{50}, .request_timeout = milliseconds{50}});
    const auto probed = lane_->probe();
    return probed ? std::string("none") : probed.error().message;
  };
  ScriptedServer deaf(answer_all, {.listens = false});
  EXPECT_THAT(message_of(deaf), HasSubstr("refused"));
  ScriptedServer hung([](ScriptedPeer& peer) { peer.hang(); });
  EXPECT_THAT(message_of(hung), HasSubstr("timeout"));
  Repeating other(http_reply("<html>welcome</html>"));
  EXPECT_THAT(message_of(other.server), HasSubstr("malformed"));
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
  EXPECT_THAT(message_of({.url = "ftp://x"}), HasSubstr("http://"));
  EXPECT_THAT(message_of({.url = "https://x", .ca_file = "/no/such.pem"}),
              HasSubstr("/no/such.pem"));
}

}  // namespace
}  // namespace ia
