#include "net/http_lane.h"

#include <gmock/gmock.h>
#include <netdb.h>

#include <atomic>
#include <set>

#include "net/lane_fixture.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

using HttpLaneTest = LaneTest;

std::size_t addresses_of(const char* name) {
  addrinfo hints{};
  hints.ai_flags = AI_ADDRCONFIG;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name, nullptr, &hints, &found) != 0) return 0;
  std::size_t count = 0;
  for (const auto* each = found; each != nullptr; each = each->ai_next) ++count;
  ::freeaddrinfo(found);
  return count;
}

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

TEST_F(HttpLaneTest, AsksForThePathBelowTheUrlsPrefix) {
  std::string seen, authority;
  {
    ScriptedServer server([&](ScriptedPeer& peer) {
      seen = peer.next_request().value_or("");
      peer.send(http_reply(body_for(7)));
    });
    authority = server.authority();
    open({.url = server.url() + "/mock/"});
    EXPECT_THAT(fetch(ids(7, 1)).values, SizeIs(1));
  }
  EXPECT_THAT(seen, StartsWith("GET /mock/of/7 HTTP/1.1\r\nHost: " + authority + "\r\n"));
}

TEST_F(HttpLaneTest, ReusesItsConnections) {
  ScriptedServer server(answer_all);
  open(server, {.max_connections = 4});
  EXPECT_THAT(fetch(ids(1, 200)).values, SizeIs(200));
  EXPECT_LE(server.connections(), 4u);
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

TEST_F(HttpLaneTest, ReadsBodiesOfUpTo64KiB) {
  ScriptedServer server([](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      auto body = body_for(id_in(*path));
      body.resize(64 * 1024, 'x');
      if (!peer.send(http_reply(body))) return;
    }
  });
  for (const std::size_t depth : {1u, 8u}) {
    open(server, {.max_connections = 2, .pipelining = depth});
    const auto fetched = fetch(ids(1, 20));
    EXPECT_THAT(fetched.values, SizeIs(20));
    ASSERT_THAT(fetched.usernames, SizeIs(20));
    EXPECT_THAT(fetched.usernames.back().name, SizeIs(64 * 1024 - std::string("20 200 5 ").size()));
  }
}

TEST_F(HttpLaneTest, PassesOverInterimReplies) {
  ScriptedServer server([](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
      peer.send("HTTP/1.1 100 Continue\r\n\r\n" + hints + answer_to(*path));
    }
  });
  for (const std::size_t depth : {1u, 8u}) {
    open(server, {.max_connections = 1, .pipelining = depth});
    EXPECT_THAT(fetch(ids(1, 20)).values, SizeIs(20));
  }
  EXPECT_EQ(server.connections(), 2u);
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
        BadReply{"redirect", http_reply("", "302 Found", "Location: /of/7\r\n"),
                 MissReason::kServerError, 1},
        BadReply{"redirect_for_ever", http_reply("", "308 Moved", "Location: http://[::1]:1/\r\n"),
                 MissReason::kServerError, 1},
        BadReply{"not_modified", "HTTP/1.1 304 Not Modified\r\n\r\n", MissReason::kServerError, 1},
        BadReply{"other_protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                 MissReason::kMalformed, 3},
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
        BadReply{"large_body", http_reply(std::string(64 * 1024 + 1, '7')), MissReason::kMalformed,
                 3},
        BadReply{"large_chunks",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
                     std::string(70'000, '7') + "\r\n0\r\n\r\n",
                 MissReason::kMalformed, 3},
        BadReply{"large_without_a_length", "HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, '7'),
                 MissReason::kMalformed, 3},
        BadReply{"announced_as_huge", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
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

// The server says nothing before it has heard all eight.
TEST_F(HttpLaneTest, PipelinesRequests) {
  ScriptedServer server([](ScriptedPeer& peer) {
    for (;;) {
      std::string replies;
      for (int i = 0; i < 8; ++i) {
        const auto path = peer.next_path();
        if (!path) return;
        replies += answer_to(*path);
      }
      peer.send(replies);
    }
  });
  open(server, patient({.max_connections = 2, .pipelining = 8}));
  EXPECT_THAT(fetch(ids(1, 80)).values, SizeIs(80));
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

// Closes each connection after `replies` of them, and says so. Counts the connections on which a
// second request came before the first was answered.
struct ShortLived {
  std::size_t replies;
  std::atomic<std::size_t> pipelined = 0;
  ScriptedServer server{[this](ScriptedPeer& peer) {
    for (std::size_t i = 1; i <= replies; ++i) {
      const auto path = peer.next_path();
      if (!path) return;
      if (i == 1 && peer.has_next()) ++pipelined;
      const char* field = i == replies ? "Connection: close\r\n" : "";
      if (!peer.send(http_reply(body_for(id_in(*path)), "200 OK", field))) return;
    }
    peer.hang();
  }};
  explicit ShortLived(std::size_t count) : replies(count) {}
};

// Servers close connections after so many requests (nginx: 1,000). That is no failure.
TEST_F(HttpLaneTest, TakesAnAnnouncedCloseAmongPipelinedRequestsForNoFailure) {
  ShortLived upstream(20);
  open(upstream.server, {.max_connections = 2, .pipelining = 8});
  EXPECT_THAT(fetch(ids(1, 400)).values, SizeIs(400));
  EXPECT_EQ(upstream.pipelined, upstream.server.connections());
  ASSERT_TRUE(comes_true([&] { return counted("ia_fetch_requests_total") > 400; }));
  EXPECT_EQ(counted("ia_fetch_retries_total"), 0u);
}

TEST_F(HttpLaneTest, StopsPipeliningWithAServerThatClosesAfterEachReply) {
  ShortLived upstream(1);
  open(upstream.server, {.max_connections = 1, .pipelining = 8});
  EXPECT_THAT(fetch(ids(1, 64)).values, SizeIs(64));
  EXPECT_EQ(upstream.pipelined, 1u);
  EXPECT_EQ(upstream.server.connections(), 64u);
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

TEST_F(HttpLaneTest, SpeaksIPv6) {
  ScriptedServer server(answer_all, {.family = AF_INET6});
  if (!server.is_bound()) GTEST_SKIP() << "SKIPPED: this machine has no ::1";
  ASSERT_THAT(server.url(), StartsWith("http://[::1]:"));
  open(server);
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

TEST_F(HttpLaneTest, ResolvesNames) {
  ScriptedServer server(answer_all);
  open({.url = "http://localhost:" + std::to_string(server.port())});
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

// Nobody listens at the others of localhost, ::1 mostly. A repetition would come too late.
TEST_F(HttpLaneTest, GoesToAnotherAddressOfANameWhenOneRefuses) {
  if (addresses_of("localhost") < 2) GTEST_SKIP() << "SKIPPED: localhost has one address only";
  ScriptedServer server(answer_all);
  open({.url = "http://localhost:" + std::to_string(server.port()),
        .max_connections = 8,
        .retry_base = kForever});
  EXPECT_THAT(fetch(ids(1, 100)).values, SizeIs(100));
}

}  // namespace
}  // namespace ia
