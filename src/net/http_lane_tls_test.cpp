#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>

#include "net/lane_fixture.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
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
  explicit TlsTransport(Session session) : session_(std::move(session)) {}
  ssize_t read(char* to, std::size_t size) override {
    return SSL_read(session_.get(), to, static_cast<int>(size));
  }
  ssize_t write(const char* from, std::size_t size) override {
    return SSL_write(session_.get(), from, static_cast<int>(size));
  }

 private:
  Session session_;
};

class HttpLaneTlsTest : public LaneTest {
 protected:
  HttpLaneTlsTest()
      : ca_key_(make_key()),
        ca_(make_certificate(ca_key_.get(), "test CA", "", nullptr, nullptr)),
        ca_file_((dir_.path() / "ca.pem").string()) {
    auto* file = std::fopen(ca_file_.c_str(), "w");
    PEM_write_X509(file, ca_.get());
    std::fclose(file);
  }

  // A server whose certificate is for `names`.
  std::unique_ptr<ScriptedServer> serve(const std::string& names) {
    key_ = make_key();
    const auto certificate =
        make_certificate(key_.get(), "server", names, ca_.get(), ca_key_.get());
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    return std::make_unique<ScriptedServer>(
        answer_all,
        ScriptedServer::Options{.make_transport = [this](int fd) { return greet(fd); }});
  }
  void open_tls(const ScriptedServer& server, const char* host, std::string ca_file) {
    open({.url = "https://" + std::string(host) + ":" + std::to_string(server.port()),
          .ca_file = std::move(ca_file),
          .max_connections = 4});
  }
  void expect_refused(const ScriptedServer& server) {
    const auto fetched = fetch(ids(1, 5), milliseconds{300});
    EXPECT_EQ(reasons(fetched), (Reasons{{MissReason::kConnection, 5}}));
    EXPECT_THAT(lane_->health().last_error, HasSubstr("certificate"));
    EXPECT_GT(server.connections(), 0u);
    const auto probed = lane_->probe();
    ASSERT_FALSE(probed);
    EXPECT_THAT(probed.error().message, HasSubstr("certificate"));
  }

  TempDir dir_;
  Key ca_key_;
  Certificate ca_;
  std::string ca_file_;

 private:
  std::unique_ptr<Transport> greet(int fd) {
    Session session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return nullptr;
    return std::make_unique<TlsTransport>(std::move(session));
  }

  Key key_;
  Context context_;
};

TEST_F(HttpLaneTlsTest, FetchesFromATrustedServer) {
  const auto server = serve("DNS:localhost");
  open_tls(*server, "localhost", ca_file_);
  EXPECT_THAT(fetch(ids(1, 100)).values, SizeIs(100));
  EXPECT_TRUE(lane_->probe());
}

TEST_F(HttpLaneTlsTest, ChecksAddressesToo) {
  const auto server = serve("IP:127.0.0.1");
  open_tls(*server, "127.0.0.1", ca_file_);
  EXPECT_THAT(fetch(ids(1, 10)).values, SizeIs(10));
}

TEST_F(HttpLaneTlsTest, PipelinesOverTls) {
  const auto server = serve("DNS:localhost");
  open({.url = "https://localhost:" + std::to_string(server->port()),
        .ca_file = ca_file_,
        .max_connections = 2,
        .pipelining = 8});
  EXPECT_THAT(fetch(ids(1, 100)).values, SizeIs(100));
}

TEST_F(HttpLaneTlsTest, RefusesACertificateForAnotherHost) {
  const auto server = serve("DNS:example.org");
  open_tls(*server, "localhost", ca_file_);
  expect_refused(*server);
}

TEST_F(HttpLaneTlsTest, RefusesAnUnknownAuthority) {
  const auto server = serve("DNS:localhost");
  open_tls(*server, "localhost", "");
  expect_refused(*server);
}

TEST_F(HttpLaneTlsTest, MissesEverythingWhenTheServerDoesNotSpeakTls) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.send("HTTP/1.1 400 No\r\n\r\n"); });
  open_tls(server, "127.0.0.1", ca_file_);
  EXPECT_EQ(reasons(fetch(ids(1, 5), milliseconds{300})), (Reasons{{MissReason::kConnection, 5}}));
  EXPECT_THAT(lane_->health().last_error, HasSubstr("SSL"));
}

}  // namespace
}  // namespace ia
