#include <gmock/gmock.h>

#include <atomic>

#include "net/lane_fixture.h"
#include "net/tls_test_server.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HttpLaneTlsTest : public LaneTest {
 protected:
  HttpLaneTlsTest() : ca_file_((dir_.path() / "ca.pem").string()) { authority_.write(ca_file_); }

  void open_tls(const std::string& url, std::size_t depth = 1) {
    open({.url = url, .ca_file = ca_file_, .max_connections = 4, .pipelining = depth});
  }

  TempDir dir_;
  std::string ca_file_;
  Authority authority_{"ours"};
};

TEST_F(HttpLaneTlsTest, FetchesFromATrustedServer) {
  for (const std::size_t depth : {1u, 8u}) {
    TlsServer server(authority_, "DNS:localhost", {.script = answer_all});
    open_tls(server.url("localhost"), depth);
    EXPECT_THAT(fetch(ids(1, 200)).values, SizeIs(200));
    EXPECT_TRUE(lane_->probe());
    EXPECT_LE(server.sessions(), 4u);
    EXPECT_THAT(server.asked_for(), ElementsAre("localhost"));
  }
}

TEST_F(HttpLaneTlsTest, ChecksAddressesToo) {
  TlsServer server(authority_, "IP:127.0.0.1", {.script = answer_all});
  open_tls(server.url("127.0.0.1"));
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
  EXPECT_THAT(server.asked_for(), ElementsAre("")) << "an address is no server name";
}

TEST_F(HttpLaneTlsTest, ChecksIPv6AddressesToo) {
  TlsServer server(authority_, "IP:::1", {.family = AF_INET6, .script = answer_all});
  if (!server.tcp().is_bound()) GTEST_SKIP() << "SKIPPED: this machine has no ::1";
  open_tls(server.url("[::1]"));
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

TEST_F(HttpLaneTlsTest, ReadsRepliesOfManyRecords) {
  const auto say_much = [](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      auto body = body_for(id_in(*path));
      body.resize(64 * 1024, 'x');
      if (!peer.send(http_reply(body))) return;
    }
  };
  for (const std::size_t depth : {1u, 8u}) {
    TlsServer server(authority_, "DNS:localhost", {.script = say_much});
    open_tls(server.url("localhost"), depth);
    EXPECT_THAT(fetch(ids(1, 40)).values, SizeIs(40));
  }
}

void answer_without_a_length(ScriptedPeer& peer) {
  if (const auto path = peer.next_path()) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n" + body_for(id_in(*path)));
  }
}

TEST_F(HttpLaneTlsTest, TakesAnEndOfTheSessionForTheEndOfABody) {
  TlsServer server(authority_, "DNS:localhost", {.script = answer_without_a_length});
  open_tls(server.url("localhost"));
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

// Anybody on the way can end a TCP connection.
TEST_F(HttpLaneTlsTest, DoesNotTakeAnEndOfTheConnectionForTheEndOfABody) {
  TlsServer server(authority_, "DNS:localhost",
                   {.script = answer_without_a_length, .says_goodbye = false});
  open_tls(server.url("localhost"));
  EXPECT_EQ(reasons(fetch(ids(1, 10))), (Reasons{{MissReason::kConnection, 10}}));
}

TEST_F(HttpLaneTlsTest, TakesAConnectionThatClosedBetweenRepliesForNoFailure) {
  const auto answer_three = [](ScriptedPeer& peer) {
    for (int i = 0; i < 3; ++i) {
      const auto path = peer.next_path();
      if (!path || !peer.send(answer_to(*path))) return;
    }
  };
  for (const bool says_goodbye : {true, false}) {
    TlsServer server(authority_, "DNS:localhost",
                     {.script = answer_three, .says_goodbye = says_goodbye});
    open_tls(server.url("localhost"));
    EXPECT_THAT(fetch(ids(1, 50)).values, SizeIs(50));
    ASSERT_TRUE(comes_true([&] { return lane_->health().requests_total >= 50; }));
    EXPECT_EQ(lane_->health().retries_total, 0u);
  }
}

// With a clock that the test moves.
class HttpLaneTlsRefusalTest : public LaneTimeTest {
 protected:
  HttpLaneTlsRefusalTest() : ca_file_((dir_.path() / "ca.pem").string()) {
    authority_.write(ca_file_);
  }
  // Nothing is requested, and people are told why.
  void expect_refused(const TlsServer& server, const std::string& host, const std::string& ca_file,
                      const std::string& why) {
    open(patient({.url = server.url(host), .ca_file = ca_file, .max_connections = 4}));
    begin_a_minute();
    start(ids(1, 5), kMostOfAMinute);
    wait_for_trouble();
    EXPECT_THAT(lane_->health().last_error, HasSubstr(why));
    const auto fetched = finish_late_in_the_minute();
    expect_each_once(ids(1, 5), fetched);
    EXPECT_THAT(fetched.values, IsEmpty());
    EXPECT_GT(server.tcp().connections(), 0u);
    EXPECT_EQ(requests_, 0u);
  }
  TlsServer::Options counting() {
    return {.script = [this](ScriptedPeer& peer) {
      while (peer.next_path()) ++requests_;
    }};
  }

  TempDir dir_;
  std::string ca_file_;
  Authority authority_{"ours"};
  std::atomic<std::size_t> requests_ = 0;
};

TEST_F(HttpLaneTlsRefusalTest, OfACertificateForAnotherName) {
  TlsServer server(authority_, "DNS:example.org,DNS:localhost.example.org,IP:127.0.0.1",
                   counting());
  expect_refused(server, "localhost", ca_file_, "is for another name than localhost");
}

TEST_F(HttpLaneTlsRefusalTest, OfACertificateForAnotherAddress) {
  TlsServer server(authority_, "DNS:localhost,DNS:127.0.0.1,IP:127.0.0.2", counting());
  expect_refused(server, "127.0.0.1", ca_file_, "is for another name than 127.0.0.1");
}

TEST_F(HttpLaneTlsRefusalTest, OfAnUnknownAuthority) {
  TlsServer server(authority_, "DNS:localhost", counting());
  expect_refused(server, "localhost", "", "unknown issuer: name the authority's certificate");
}

TEST_F(HttpLaneTlsRefusalTest, OfAnotherAuthorityThanTheGivenOne) {
  Authority other("theirs");
  TlsServer server(other, "DNS:localhost", counting());
  expect_refused(server, "localhost", ca_file_, "unknown issuer");
}

TEST_F(HttpLaneTlsRefusalTest, OfAnExpiredCertificate) {
  auto options = counting();
  options.ends = -seconds{60};
  TlsServer server(authority_, "DNS:localhost", options);
  expect_refused(server, "localhost", ca_file_, "has expired");
}

TEST_F(HttpLaneTlsRefusalTest, OfACertificateThatIsNotValidYet) {
  auto options = counting();
  options.begins = seconds{600};
  TlsServer server(authority_, "DNS:localhost", options);
  expect_refused(server, "localhost", ca_file_, "not valid yet: this machine's clock is behind");
}

TEST_F(HttpLaneTlsRefusalTest, OfASelfSignedCertificate) {
  auto options = counting();
  options.is_self_signed = true;
  TlsServer server(authority_, "DNS:localhost", options);
  expect_refused(server, "localhost", ca_file_, "is self-signed");
}

TEST_F(HttpLaneTlsRefusalTest, OfAnOldVersionOfTls) {
  auto options = counting();
  options.is_old = true;
  TlsServer server(authority_, "DNS:localhost", options);
  expect_refused(server, "localhost", ca_file_, "no TLS version in common");
}

// A request would be begun too late.
TEST_F(HttpLaneTlsRefusalTest, ToAskWhenTheHandshakeTookTooLong) {
  std::atomic<bool> is_late = false;
  auto options = counting();
  options.before_greeting = [&](int) { return comes_true([&] { return is_late.load(); }); };
  TlsServer server(authority_, "DNS:localhost", options);
  open(patient({.url = server.url("localhost"), .ca_file = ca_file_, .max_connections = 4}));
  start(ids(1, 4), seconds{1});
  ASSERT_TRUE(comes_true([&] { return server.tcp().connections() == 4; }));
  manual_.advance(seconds{1});
  is_late = true;
  EXPECT_EQ(reasons(finish()), (Reasons{{MissReason::kTimeout, 4}}));
  EXPECT_EQ(requests_, 0u);
}

TEST_F(HttpLaneTlsTest, SaysInAProbeThatTheCertificateIsWrong) {
  TlsServer server(authority_, "DNS:example.org", {.script = answer_all});
  open_tls(server.url("localhost"));
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr("certificate is for another name than localhost"));
}

// What stands in the place of a handshake.
struct NoTls {
  const char* name;
  ScriptedServer::Script script;
  MissReason reason;
  const char* why;
};

void PrintTo(const NoTls& server, std::ostream* out) { *out << server.name; }

class NoTlsTest : public HttpLaneTlsTest, public ::testing::WithParamInterface<NoTls> {
 protected:
  void open_patiently() {
    open(patient({.url = "https://" + server_.authority(),
                  .ca_file = ca_file_,
                  .max_connections = 4,
                  .probe_every = kForever}));
  }
  static void expect_missed(const FinishedFetch& fetched) {
    auto missed = reasons(fetched);
    for (const auto reason : {GetParam().reason, MissReason::kTimeout, MissReason::kOverrun}) {
      missed.erase(reason);
    }
    EXPECT_THAT(missed, IsEmpty());
    EXPECT_THAT(fetched.values, IsEmpty());
  }

  ScriptedServer server_{GetParam().script};
};

TEST_P(NoTlsTest, NeverHoldsAnOrderPastItsEnd) {
  open_patiently();
  for (int i = 0; i < 2; ++i) expect_missed(fetch(ids(1, 100), milliseconds{100}));
  EXPECT_GT(server_.connections(), 0u);
}

TEST_P(NoTlsTest, NeverOutlastsACancelsGrace) {
  open_patiently();
  start(ids(1, 100), kForever);
  ASSERT_TRUE(comes_true([&] { return server_.connections() >= 4; }));
  lane_->cancel(milliseconds{10});
  expect_missed(finish());
}

TEST_P(NoTlsTest, LetsTheLaneEnd) {
  open_patiently();
  start(ids(1, 100), kForever);
  ASSERT_TRUE(comes_true([&] { return server_.connections() >= 4; }));
  lane_.reset();
}

TEST_P(NoTlsTest, FailsAProbe) {
  // A server that answers does so before the end, however busy the machine is.
  const auto end = GetParam().reason == MissReason::kTimeout ? milliseconds{300} : seconds{30};
  open({.url = "https://" + server_.authority(),
        .ca_file = ca_file_,
        .connect_timeout = end,
        .request_timeout = end});
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr(std::string(name_of(GetParam().reason)) + ": " +
                                                server_.authority() + ": " + GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Servers, NoTlsTest,
    ::testing::Values(NoTls{"hangs", [](ScriptedPeer& peer) { peer.hang(); }, MissReason::kTimeout,
                            "no connection in time"},
                      NoTls{"speaks_plainly",
                            [](ScriptedPeer& peer) { peer.send("HTTP/1.1 400 No\r\n\r\n"); },
                            MissReason::kConnection, "no TLS is spoken at this port"},
                      NoTls{"closes", [](ScriptedPeer&) {}, MissReason::kConnection,
                            "the connection was closed during the TLS handshake"},
                      NoTls{"resets",
                            [](ScriptedPeer& peer) {
                              peer.next_body(1);  // a reset before it would fail the connect
                              peer.reset();
                            },
                            MissReason::kConnection,
                            "the connection was closed during the TLS handshake"}),
    [](const auto& server) { return std::string(server.param.name); });

}  // namespace
}  // namespace ia
