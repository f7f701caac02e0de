#include <gmock/gmock.h>

#include <mutex>

#include "net/lane_fixture.h"
#include "net/tls_test_server.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

HttpProxy proxy_at(std::uint16_t port) {
  return {.host = "127.0.0.1",
          .port = std::to_string(port),
          .user = "Aladdin",
          .password = "open sesame"};
}

constexpr auto kAuthorization = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";

class HttpLaneProxyTest : public LaneTest {
 protected:
  // A probe goes on trying for as long.
  static constexpr milliseconds kProbeTime{300};

  HttpLaneProxyTest() { authority_.write(ca_file_); }

  void note(const std::string& request) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
  }
  std::vector<std::string> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  // The proxy answers for the network, whatever its name.
  void answer(ScriptedPeer& peer) {
    while (const auto request = peer.next_request()) {
      note(*request);
      const auto id = std::stoull(request->substr(request->find("/of/") + 4));
      if (!peer.send(http_reply(body_for(id)))) return;
    }
  }
  // Reads a CONNECT and says `reply`; false if the client is gone.
  bool connect(int fd, const std::string& reply) {
    PlainTransport transport(fd);
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && transport.read(&byte, 1) == 1) request += byte;
    note(request);
    return transport.write(reply.data(), reply.size()) > 0;
  }
  void open_https(std::uint16_t port, milliseconds connect_timeout = kPatience) {
    open({.url = "https://network.invalid:8443/v1",
          .ca_file = ca_file_,
          .user_agent = "test/1",
          .proxy = proxy_at(port),
          .max_connections = 4,
          .connect_timeout = connect_timeout});
  }
  std::string probe_by(const ScriptedServer::Script& script) {
    ScriptedServer proxy(script);
    open_https(proxy.port(), kProbeTime);
    const auto probed = lane_->probe();
    return probed ? "answered" : probed.error().message;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  TempDir dir_;
  std::string ca_file_ = (dir_.path() / "ca.pem").string();
  Authority authority_{"ours"};
};

TEST_F(HttpLaneProxyTest, RequestsWholeUrlsInTheClear) {
  ScriptedServer proxy([this](ScriptedPeer& peer) { answer(peer); });
  for (const std::size_t depth : {1u, 8u}) {
    open({.url = "http://network.invalid:81/v1",
          .user_agent = "test/1",
          .proxy = proxy_at(proxy.port()),
          .max_connections = 4,
          .pipelining = depth});
    EXPECT_THAT(fetch(ids(1, 50)).values, SizeIs(50));
  }
  EXPECT_THAT(requests(),
              Each(AllOf(HasSubstr("GET http://network.invalid:81/v1/of/"),
                         HasSubstr("Host: network.invalid:81\r\n"),
                         HasSubstr("User-Agent: test/1\r\n"), HasSubstr(kAuthorization))));
}

TEST_F(HttpLaneProxyTest, TunnelsHttpsAndKeepsTheCredentialsFromTheNetwork) {
  for (const std::string reply :
       {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Fine\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    requests_.clear();
    TlsServer network(authority_, "DNS:network.invalid",
                      {.script = [this](ScriptedPeer& peer) { answer(peer); },
                       .before_greeting = [&](int fd) { return connect(fd, reply); }});
    open_https(network.tcp().port());
    EXPECT_THAT(fetch(ids(1, 50)).values, SizeIs(50)) << reply;
    EXPECT_THAT(network.asked_for(), ::testing::ElementsAre("network.invalid"));
    std::size_t tunnels = 0;
    for (const auto& request : requests()) {
      if (!request.starts_with("CONNECT")) {
        EXPECT_THAT(request, AllOf(HasSubstr("GET /v1/of/"), Not(HasSubstr("Proxy"))));
        continue;
      }
      ++tunnels;
      EXPECT_THAT(request, AllOf(HasSubstr("CONNECT network.invalid:8443 HTTP/1.1\r\n"),
                                 HasSubstr("Host: network.invalid:8443\r\n"),
                                 HasSubstr("User-Agent: test/1\r\n"), HasSubstr(kAuthorization)));
    }
    EXPECT_EQ(tunnels, network.tcp().connections());
  }
}

TEST_F(HttpLaneProxyTest, SaysWhatToDoWhereItWantsToBeLoggedInTo) {
  ScriptedServer proxy([](ScriptedPeer& peer) {
    while (peer.next_request()) {
      peer.send("HTTP/1.1 407 Log in\r\nContent-Length: 3\r\n\r\nno!");
    }
  });
  open({.url = "http://network.invalid/v1", .proxy = proxy_at(proxy.port())});
  EXPECT_FALSE(lane_->probe());
  const auto examples = lane_->failure_examples();
  ASSERT_THAT(examples, SizeIs(1));
  EXPECT_EQ(examples.front().status, 407u);
  EXPECT_THAT(examples.front().text,
              AllOf(HasSubstr("http://USER:PASSWORD@HOST:PORT"), HasSubstr("no!")));
}

TEST_F(HttpLaneProxyTest, SaysWhyThereIsNoTunnel) {
  const auto says = [](const char* text) {
    return [text](ScriptedPeer& peer) {
      peer.next_request();
      peer.send(text);
      peer.hang();
    };
  };
  EXPECT_THAT(probe_by(says("HTTP/1.1 407 Log in\r\n\r\n")),
              AllOf(HasSubstr("by the proxy 127.0.0.1:"),
                    HasSubstr("answers CONNECT with \"407 Log in\": put the user"),
                    Not(HasSubstr("sesame"))));
  EXPECT_THAT(probe_by(says("HTTP/1.1 403\x1b[2J\r\n\r\n")),
              HasSubstr("not answer CONNECT in HTTP"));
  EXPECT_THAT(probe_by(says("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n")), HasSubstr("302"));
  EXPECT_THAT(probe_by(says("SSH-2.0-OpenSSH\r\n\r\n")), HasSubstr("SSH-2.0"));
  EXPECT_THAT(probe_by(says("HTTP/1.1 200\r\n\r\nHello")), HasSubstr("more than its answer"));
  EXPECT_THAT(probe_by([](ScriptedPeer& peer) { peer.next_request(); }),
              HasSubstr("no answer to CONNECT"));
  EXPECT_THAT(probe_by([](ScriptedPeer& peer) {
                peer.next_request();
                while (peer.send("HTTP/1.1 100 Continue\r\n\r\n")) {
                }
              }),
              HasSubstr("no answer to CONNECT"));
}

TEST_F(HttpLaneProxyTest, NeverHoldsAnOrderPastItsEndForASilentProxy) {
  ScriptedServer proxy([](ScriptedPeer& peer) { peer.hang(); });
  open_https(proxy.port());
  const auto fetched = fetch(ids(1, 20), milliseconds{100});
  EXPECT_THAT(fetched.values, IsEmpty());
  EXPECT_GT(proxy.connections(), 0u);
}

TEST_F(HttpLaneProxyTest, ChecksTheCertificateOfTheNetworkBehindIt) {
  TlsServer network(authority_, "DNS:other.invalid,IP:127.0.0.1", {.before_greeting = [&](int fd) {
                      return connect(fd, "HTTP/1.1 200 Fine\r\n\r\n");
                    }});
  open_https(network.tcp().port(), kProbeTime);
  const auto probed = lane_->probe();
  ASSERT_FALSE(probed);
  EXPECT_THAT(probed.error().message, HasSubstr("for another name than network.invalid"));
}

}  // namespace
}  // namespace ia
