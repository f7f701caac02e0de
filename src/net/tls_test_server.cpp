#include "net/tls_test_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <mutex>

namespace ia {
namespace {

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

struct Issuer {
  X509* certificate = nullptr;  // null: it signs itself
  EVP_PKEY* key = nullptr;
};

struct Validity {
  std::chrono::seconds begins{-3'600};
  std::chrono::seconds ends{3'600};
};

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Key make_key() { return Key(EVP_EC_gen("P-256")); }

// An authority's if `names` is empty.
Certificate make_certificate(EVP_PKEY* key, const char* common_name, const std::string& names,
                             Issuer issuer, Validity validity) {
  Certificate certificate(X509_new());
  auto* const one = certificate.get();
  X509_set_version(one, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(one), issuer.key == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(one), validity.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(one), validity.ends.count());
  X509_set_pubkey(one, key);
  auto* name = X509_get_subject_name(one);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509_set_issuer_name(one,
                       issuer.key == nullptr ? name : X509_get_subject_name(issuer.certificate));
  if (names.empty()) {
    add_extension(one, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(one, NID_subject_alt_name, names);
  }
  X509_sign(one, issuer.key == nullptr ? key : issuer.key, EVP_sha256());
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

}  // namespace

struct Authority::State {
  Key key = make_key();
  Certificate certificate;
};

Authority::Authority(const char* name) : state_(std::make_unique<State>()) {
  state_->certificate = make_certificate(state_->key.get(), name, "", {}, {});
}

Authority::~Authority() = default;

void Authority::write(const std::string& path) const {
  auto* file = std::fopen(path.c_str(), "w");
  PEM_write_X509(file, state_->certificate.get());
  std::fclose(file);
}

struct TlsServer::State {
  Options options;
  Key key = make_key();
  Certificate certificate;
  Context context{SSL_CTX_new(TLS_server_method())};
  std::atomic<std::size_t> sessions = 0;
  mutable std::mutex mutex;
  std::set<std::string> asked_for;
  std::unique_ptr<ScriptedServer> server;

  std::unique_ptr<Transport> greet(int fd) {
    if (!options.before_greeting(fd)) return nullptr;
    Session session(SSL_new(context.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return nullptr;
    const char* name = SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
    const std::scoped_lock lock(mutex);
    asked_for.insert(name == nullptr ? "" : name);
    return std::make_unique<TlsTransport>(std::move(session), options.says_goodbye);
  }
};

TlsServer::TlsServer(const Authority& authority, const std::string& names, Options options)
    : state_(std::make_unique<State>()) {
  auto& s = *state_;
  s.options = std::move(options);
  const auto& by = *authority.state_;
  const Issuer issuer =
      s.options.is_self_signed ? Issuer{} : Issuer{by.certificate.get(), by.key.get()};
  s.certificate =
      make_certificate(s.key.get(), "server", names, issuer, {s.options.begins, s.options.ends});
  SSL_CTX_use_certificate(s.context.get(), s.certificate.get());
  SSL_CTX_use_PrivateKey(s.context.get(), s.key.get());
  if (s.options.is_old) {
    SSL_CTX_set_cipher_list(s.context.get(), "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(s.context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(s.context.get(), TLS1_1_VERSION);
  }
  s.server = std::make_unique<ScriptedServer>(
      [&s](ScriptedPeer& peer) {
        ++s.sessions;
        if (!s.options.script) return peer.hang();
        s.options.script(peer);
      },
      ScriptedServer::Options{.family = s.options.family,
                              .make_transport = [&s](int fd) { return s.greet(fd); }});
}

TlsServer::~TlsServer() = default;

std::string TlsServer::url(const std::string& host) const {
  return "https://" + host + ":" + std::to_string(tcp().port());
}

const ScriptedServer& TlsServer::tcp() const { return *state_->server; }

std::size_t TlsServer::sessions() const { return state_->sessions; }

std::set<std::string> TlsServer::asked_for() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->asked_for;
}

}  // namespace ia
