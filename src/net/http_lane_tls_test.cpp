#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>

#include "net/lane_fixture.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* held) const {
    Free(held);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freer<SSL_free>>;

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Key make_key() { return Key(EVP_EC_gen("P-256")); }

// Signed by `issuer`, or by itself when that is null. `names` as in "DNS:localhost,IP:127.0.0.1".
Certificate make_certificate(EVP_PKEY* key, const char* common_name, const std::string& names,
                             X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3'600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
  X509_set_pubkey(certificate.get(), key);
  auto* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? name : X509_get_subject_name(issuer));
  if (issuer == nullptr)
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (!names.empty()) add_extension(certificate.get(), NID_subject_alt_name, names);
  X509_sign(certificate.get(), issuer == nullptr ? key : issuer_key, EVP_sha256());
  return certificate;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(Session session, bool says_goodbye)
      : session_(std::move(session)), says_goodbye_(says_goodbye) {}
  ~TlsTransport() override {
    if (says_goodbye_) SSL_shutdown(session_.get());
  }
  ssize_t read(char* to, std::size_t size) override {
    return SSL_read(session_.get(), to, static_cast<int>(size));
  }
  ssize_t write(const char* from, std::size_t size) override {
    return SSL_write(session_.get(), from, static_cast<int>(size));
  }

 private:
  Session session_;
  bool says_goodbye_;
};

class Authority {
 public:
  explicit Authority(const char* name)
      : key_(make_key()), certificate_(make_certificate(key_.get(), name, "", nullptr, nullptr)) {}
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  void write(const std::string& path) const {
    auto* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
  }

 private:
  Key key_;
  Certificate certificate_;
};

// A server whose certificate is for `names`, as in "DNS:localhost,IP:127.0.0.1".
class TlsServer {
 public:
  struct Options {
    int family = AF_INET;
    ScriptedServer::Script script = answer_all;
    bool is_expired = false;
    bool says_goodbye = true;  // at the end of a connection
    std::function<void()> before_greeting = [] {};
  };
  TlsServer(const Authority& authority, const std::string& names)
      : TlsServer(authority, names, Options()) {}
  TlsServer(const Authority& authority, const std::string& names, Options options)
      : options_(std::move(options)),
        key_(make_key()),
        certificate_(make_certificate(key_.get(), "server", names, authority.certificate(),
                                      authority.key())),
        context_(SSL_CTX_new(TLS_server_method())) {
    if (options_.is_expired) {
      X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), -60);
      X509_sign(certificate_.get(), authority.key(), EVP_sha256());
    }
    SSL_CTX_use_certificate(context_.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    server_ = std::make_unique<ScriptedServer>(
        [this](ScriptedPeer& peer) {
          ++sessions_;
          options_.script(peer);
        },
        ScriptedServer::Options{.family = options_.family,
                                .make_transport = [this](int fd) { return greet(fd); }});
  }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(server_->port());
  }
  const ScriptedServer& tcp() const { return *server_; }
  // Handshakes that came to an end.
  std::size_t sessions() const { return sessions_; }
  // The names that clients asked for, "" for none.
  std::set<std::string> asked_for() const {
    const std::scoped_lock lock(mutex_);
    return asked_for_;
  }

 private:
  std::unique_ptr<Transport> greet(int fd) {
    options_.before_greeting();
    Session session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return nullptr;
    const char* name = SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
    const std::scoped_lock lock(mutex_);
    asked_for_.insert(name == nullptr ? "" : name);
    return std::make_unique<TlsTransport>(std::move(session), options_.says_goodbye);
  }

  Options options_;
  Key key_;
  Certificate certificate_;
  Context context_;
  std::atomic<std::size_t> sessions_ = 0;
  mutable std::mutex mutex_;
  std::set<std::string> asked_for_;
  std::unique_ptr<ScriptedServer> server_;
};

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
    TlsServer server(authority_, "DNS:localhost");
    open_tls(server.url("localhost"), depth);
    EXPECT_THAT(fetch(ids(1, 200)).values, SizeIs(200));
    EXPECT_TRUE(lane_->probe());
    EXPECT_LE(server.sessions(), 4u);
    EXPECT_THAT(server.asked_for(), ElementsAre("localhost"));
  }
}

TEST_F(HttpLaneTlsTest, ChecksAddressesToo) {
  TlsServer server(authority_, "IP:127.0.0.1");
  open_tls(server.url("127.0.0.1"));
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
  EXPECT_THAT(server.asked_for(), ElementsAre("")) << "an address is no server name";
}

TEST_F(HttpLaneTlsTest, ChecksIPv6AddressesToo) {
  TlsServer server(authority_, "IP:::1", {.family = AF_INET6});
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
  // Nobody is asked, and people are told why.
  void expect_refused(const TlsServer& server, const std::string& host,
                      const std::string& ca_file) {
    open(patient({.url = server.url(host), .ca_file = ca_file, .max_connections = 4}));
    begin_a_minute();
    start(ids(1, 5), kMostOfAMinute);
    wait_for_trouble();
    EXPECT_THAT(lane_->health().last_error, HasSubstr("certificate verify failed"));
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
  expect_refused(server, "localhost", ca_file_);
}

TEST_F(HttpLaneTlsRefusalTest, OfACertificateForAnotherAddress) {
  TlsServer server(authority_, "DNS:localhost,DNS:127.0.0.1,IP:127.0.0.2", counting());
  expect_refused(server, "127.0.0.1", ca_file_);
}

TEST_F(HttpLaneTlsRefusalTest, OfAnUnknownAuthority) {
  TlsServer server(authority_, "DNS:localhost", counting());
  expect_refused(server, "localhost", "");
}

TEST_F(HttpLaneTlsRefusalTest, OfAnotherAuthorityThanTheGivenOne) {
  Authority other("theirs");
  TlsServer server(other, "DNS:localhost", counting());
  expect_refused(server, "localhost", ca_file_);
}

TEST_F(HttpLaneTlsRefusalTest, OfAnExpiredCertificate) {
  auto options = counting();
  options.is_expired = true;
  TlsServer server(authority_, "DNS:localhost", options);
  expect_refused(server, "localhost", ca_file_);
}

// A request would be begun too late.
TEST_F(HttpLaneTlsRefusalTest, ToAskWhenTheHandshakeTookTooLong) {
  std::atomic<bool> is_late = false;
  auto options = counting();
  options.before_greeting = [&] { comes_true([&] { return is_late.load(); }); };
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
  TlsServer server(authority_, "DNS:example.org");
  open_tls(server.url("localhost"));
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr("certificate"));
}

// What stands in the place of a handshake.
struct NoTls {
  const char* name;
  ScriptedServer::Script script;
  MissReason reason;
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
  open({.url = "https://" + server_.authority(),
        .ca_file = ca_file_,
        .connect_timeout = milliseconds{300},
        .request_timeout = milliseconds{300}});
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message,
              HasSubstr(std::string(name_of(GetParam().reason)) + ": " + server_.authority()));
}

INSTANTIATE_TEST_SUITE_P(
    Servers, NoTlsTest,
    ::testing::Values(
        NoTls{"hangs", [](ScriptedPeer& peer) { peer.hang(); }, MissReason::kTimeout},
        NoTls{"speaks_plainly", [](ScriptedPeer& peer) { peer.send("HTTP/1.1 400 No\r\n\r\n"); },
              MissReason::kConnection},
        NoTls{"closes", [](ScriptedPeer&) {}, MissReason::kConnection},
        NoTls{"resets", [](ScriptedPeer& peer) { peer.reset(); }, MissReason::kConnection}),
    [](const auto& server) { return std::string(server.param.name); });

}  // namespace
}  // namespace ia
