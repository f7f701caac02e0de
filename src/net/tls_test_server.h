#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "net/scripted_server.h"

namespace ia {

// Signs certificates for tests.
class Authority {
 public:
  explicit Authority(const char* name);
  ~Authority();
  // Its own certificate, as PEM.
  void write(const std::string& path) const;

 private:
  friend class TlsServer;
  struct State;
  std::unique_ptr<State> state_;
};

// A scripted server over TLS, whose certificate is for `names`, as in "DNS:localhost,IP:127.0.0.1".
class TlsServer {
 public:
  struct Options {
    int family = AF_INET;
    ScriptedServer::Script script{};  // empty: reads requests and answers none
    // Of the certificate, from now on.
    std::chrono::seconds begins{-3'600};
    std::chrono::seconds ends{3'600};
    bool is_self_signed = false;
    bool is_old = false;       // speaks TLS 1.1 at most
    bool says_goodbye = true;  // at the end of a connection
    // Called with the socket before the handshake, on the connection's thread; false closes.
    std::function<bool(int fd)> before_greeting = [](int) { return true; };
  };
  TlsServer(const Authority& authority, const std::string& names, Options options);
  ~TlsServer();

  std::string url(const std::string& host) const;
  const ScriptedServer& tcp() const;
  // Handshakes that were completed.
  std::size_t sessions() const;
  // The names that clients asked for, "" for none.
  std::set<std::string> asked_for() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
