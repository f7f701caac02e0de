#include "adapters/webhook/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "net/scripted_server.h"
#include "net/tls_test_server.h"
#include "testing/manual_clock.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = WebhookReply::Kind;

constexpr auto kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr auto kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A receiver that answers each message with the next of its answers, and a sender.
class WebhookSenderTest : public ::testing::Test {
 protected:
  struct Received {
    std::string head;
    std::string body;
  };

  void SetUp() override { make({.allow_private = true, .timeout = seconds{5}}); }
  void make(WebhookOptions options) { sender_ = make_webhook_sender(std::move(options), clock_); }

  void receive(ScriptedPeer& peer) {
    const auto head = peer.next_request();
    if (!head) return;
    const auto at = head->find("Content-Length: ");
    const auto body = peer.next_body(std::stoul(head->substr(at + 16)));
    std::string answer;
    {
      const std::scoped_lock lock(mutex_);
      received_.push_back({*head, body});
      answer = received_.size() <= answers_.size() ? answers_[received_.size() - 1] : kOk;
    }
    if (answer.empty()) return peer.hang();
    peer.send(answer);
  }
  Webhook message(std::string url, std::string secret = {}) const {
    return {.target = {.url = std::move(url), .secret = std::move(secret)},
            .id = "msg_1",
            .body = R"({"a":1})"};
  }
  WebhookReply send(const Webhook& webhook) {
    sender_->start(7, webhook);
    std::vector<WebhookSender::Done> done;
    for (int i = 0; i < 100 && done.empty(); ++i) done = sender_->poll(seconds{1});
    if (done.size() != 1 || done.front().key != 7) {
      ADD_FAILURE() << done.size() << " ended";
      return {};
    }
    return done.front().reply;
  }
  WebhookReply send_to_server() { return send(message(server_.url() + "/hook")); }

  ManualClock clock_;
  std::mutex mutex_;
  std::vector<Received> received_;
  std::vector<std::string> answers_;
  std::unique_ptr<WebhookSender> sender_;
  ScriptedServer server_{[this](ScriptedPeer& peer) { receive(peer); }};
};

TEST_F(WebhookSenderTest, SendsTheMessageWithItsIdAndTime) {
  const auto reply = send_to_server();
  EXPECT_EQ(reply.kind, Kind::kDelivered);
  EXPECT_EQ(reply.status, 200);
  ASSERT_THAT(received_, SizeIs(1));
  const auto& [head, body] = received_.front();
  EXPECT_EQ(body, R"({"a":1})");
  EXPECT_THAT(head, HasSubstr("POST /hook HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(head, HasSubstr("webhook-id: msg_1\r\n"));
  EXPECT_THAT(head, HasSubstr("webhook-timestamp: 1767225600\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("ignature")));
}

// The signatures were computed by Python's hmac module.
TEST_F(WebhookSenderTest, SignsWithTheSecret) {
  send(message(server_.url(), kSecret));
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_THAT(received_.front().head,
              HasSubstr("webhook-signature: v1,lCbYAEZ+iWYEmDEQUgTSPF7TQpmsKXiGTVeQy7iOKZE=\r\n"));
  EXPECT_THAT(
      received_.front().head,
      HasSubstr("X-IA-Signature: "
                "sha256=748e55537270ce2f99880119fabc70db16f4bdf08167bbb1bced63746ef3819b\r\n"));
  EXPECT_THAT(received_.front().head, Not(HasSubstr("whsec_")));
}

TEST_F(WebhookSenderTest, TellsWhatTheReceiverAnswered) {
  answers_ = {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
              "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
              "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 Fine\r\n\r\n"};
  const auto failed = send_to_server();
  EXPECT_EQ(failed.kind, Kind::kFailed);
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.detail, "HTTP 500");
  EXPECT_EQ(failed.retry_after, std::nullopt);
  EXPECT_EQ(send_to_server().retry_after, seconds{120});
  EXPECT_EQ(send_to_server().kind, Kind::kGone);
  EXPECT_EQ(send_to_server().kind, Kind::kDelivered);
}

TEST_F(WebhookSenderTest, ReadsRetryAfterAsFetchesDo) {
  const std::pair<const char*, int> asked[] = {{"1.5", 2},
                                               {"99999999999999999999", 86'400},
                                               {"Thursday, 01-Jan-26 00:00:30 GMT", 30},
                                               {"Thu Jan  1 00:00:30 2026", 30}};
  for (const auto& [text, wait] : asked) {
    answers_.push_back("HTTP/1.1 503\r\nRetry-After: " + std::string(text) +
                       "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(send_to_server().retry_after, seconds{wait}) << text;
  }
}

TEST_F(WebhookSenderTest, FollowsNoRedirect) {
  answers_ = {"HTTP/1.1 302 Found\r\nLocation: " + server_.url() +
              "/elsewhere\r\nContent-Length: 0\r\n\r\n"};
  const auto reply = send_to_server();
  EXPECT_EQ(reply.kind, Kind::kFailed);
  EXPECT_EQ(reply.status, 302);
  EXPECT_THAT(reply.detail, HasSubstr("redirects are not followed"));
  EXPECT_THAT(received_, SizeIs(1));
}

TEST_F(WebhookSenderTest, WaitsOnlySoLong) {
  make({.allow_private = true, .timeout = milliseconds{200}});
  answers_ = {""};
  const auto reply = send_to_server();
  EXPECT_EQ(reply.kind, Kind::kFailed);
  EXPECT_EQ(reply.status, 0);
  EXPECT_THAT(reply.detail, HasSubstr("timed out"));
}

TEST_F(WebhookSenderTest, RefusesPrivateAddresses) {
  make({});
  for (const auto& url : {server_.url(), "http://localhost:" + std::to_string(server_.port()),
                          "http://[::1]:" + std::to_string(server_.port()),
                          std::string("http://2130706433") /* 127.0.0.1 */}) {
    const auto reply = send(message(url + "/secret"));
    EXPECT_EQ(reply.kind, Kind::kRefused) << url << ": " << reply.detail;
    EXPECT_THAT(reply.detail, HasSubstr("--alert-allow-private")) << url;
    EXPECT_THAT(reply.detail, Not(HasSubstr("secret"))) << url;
  }
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(WebhookSenderTest, SaysWhyThereWasNoAnswer) {
  ScriptedServer silent([](ScriptedPeer& peer) { peer.next_request(); });
  EXPECT_THAT(send(message(silent.url() + "/secret")).detail, Not(HasSubstr("secret")));
  std::string nowhere;
  {
    ScriptedServer closed([](ScriptedPeer&) {});
    nowhere = closed.url();
  }
  const auto reply = send(message(nowhere + "/secret"));
  EXPECT_EQ(reply.kind, Kind::kFailed);
  EXPECT_THAT(reply.detail, HasSubstr("connect"));
  EXPECT_THAT(reply.detail, Not(HasSubstr("secret")));
}

TEST_F(WebhookSenderTest, SaysWhyTlsFails) {
  const TempDir dir;
  const Authority ours("ours");
  const auto ca_file = (dir.path() / "ca.pem").string();
  ours.write(ca_file);
  make({.allow_private = true, .timeout = seconds{5}, .ca_file = ca_file});
  struct Case {
    const char* names;
    TlsServer::Options options;
    const char* why;
  };
  const Case cases[] = {
      {"DNS:localhost", {.ends = -seconds{60}}, "has expired"},
      {"DNS:localhost", {.begins = seconds{600}}, "not valid yet"},
      {"DNS:localhost", {.is_self_signed = true}, "self-signed"},
      {"DNS:localhost", {.is_old = true}, "no TLS version in common"},
      {"DNS:example.org", {}, "for another name than localhost"},
      {"DNS:localhost", {.before_greeting = [](int) { return false; }}, "closed during"},
  };
  for (const auto& [names, options, why] : cases) {
    TlsServer server(ours, names, options);
    EXPECT_THAT(send(message(server.url("localhost") + "/secret")).detail,
                AllOf(HasSubstr(why), Not(HasSubstr("secret"))));
  }
  TlsServer stranger(Authority("theirs"), "DNS:localhost", {});
  EXPECT_THAT(send(message(stranger.url("localhost"))).detail, HasSubstr("unknown issuer"));
  ScriptedServer plain([](ScriptedPeer& peer) { peer.send("HTTP/1.1 400 No\r\n\r\n"); });
  EXPECT_THAT(send(message("https://" + plain.authority())).detail, HasSubstr("no TLS is spoken"));
}

// The answers come from the proxy, whatever the receiver's name.
TEST_F(WebhookSenderTest, SendsByTheProxyOfItsScheme) {
  std::string url = server_.authority();
  const Proxies proxies([&](const char* name) -> const char* {
    return name == std::string_view("http_proxy") ? url.c_str() : nullptr;
  });
  make({.timeout = seconds{5}, .user_agent = "test/1", .proxies = proxies});
  EXPECT_EQ(send(message("http://receiver.invalid:81/hook")).kind, Kind::kDelivered);
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_THAT(received_.front().head, HasSubstr("POST http://receiver.invalid:81/hook HTTP/1.1"));
  EXPECT_THAT(received_.front().head, HasSubstr("User-Agent: test/1\r\n"));
  for (const auto* address : {"http://127.0.0.1/", "http://2130706433/", "http://[::1]/",
                              "http://LOCALHOST./", "http://a.localhost/", "http://10.1.2.3/"}) {
    EXPECT_EQ(send(message(address)).kind, Kind::kRefused) << address;
  }
  EXPECT_THAT(received_, SizeIs(1));
}

TEST_F(WebhookSenderTest, SaysWhatToDoWhereAProxyWantsToBeLoggedInTo) {
  ScriptedServer proxy([](ScriptedPeer& peer) {
    peer.next_request();
    peer.send("HTTP/1.1 407 Log in\r\nContent-Length: 0\r\n\r\n");
  });
  const auto url = proxy.authority();
  const Proxies proxies([&](const char* name) -> const char* {
    return name == std::string_view("ALL_PROXY") ? url.c_str() : nullptr;
  });
  make({.timeout = seconds{5}, .proxies = proxies});
  for (const auto* receiver : {"http://receiver.invalid/hook", "https://receiver.invalid/hook"}) {
    const auto reply = send(message(receiver));
    EXPECT_EQ(reply.kind, Kind::kFailed) << receiver;
    EXPECT_THAT(reply.detail, HasSubstr("407")) << receiver;
    EXPECT_THAT(reply.detail, HasSubstr("http://USER:PASSWORD@HOST:PORT")) << receiver;
  }
}

TEST_F(WebhookSenderTest, SendsNothingPastAProxyThatIsNotSpoken) {
  const Proxies proxies([](const char* name) -> const char* {
    return name == std::string_view("ALL_PROXY") ? "socks5://p:1" : nullptr;
  });
  make({.allow_private = true, .timeout = seconds{5}, .proxies = proxies});
  EXPECT_THAT(send_to_server().detail, HasSubstr("the proxy in ALL_PROXY"));
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(WebhookSenderTest, KnowsNoOtherProtocol) {
  for (const auto* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"}) {
    EXPECT_EQ(send(message(url)).kind, Kind::kFailed) << url;
  }
}

TEST_F(WebhookSenderTest, TakesNoMoreOfAnAnswerThanItNeeds) {
  ScriptedServer endless([](ScriptedPeer& peer) {
    peer.next_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(std::string(64 * 1024, 'x'))) {
    }
  });
  EXPECT_EQ(send(message(endless.url())).kind, Kind::kDelivered);
}

// The receiver has said that it took the message; its body says nothing.
TEST_F(WebhookSenderTest, TakesAnAnswerWhoseBodyIsCutOrNeverEnds) {
  for (const std::string rest :
       {"Content-Length: 99\r\n\r\nok", "Content-Length: 99\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nab", "Transfer-Encoding: chunked\r\n\r\nzz"}) {
    ScriptedServer cut([&](ScriptedPeer& peer) {
      peer.next_request();
      peer.send("HTTP/1.1 200 OK\r\n" + rest);
    });
    EXPECT_EQ(send(message(cut.url())).kind, Kind::kDelivered) << rest;
  }
  make({.allow_private = true, .timeout = milliseconds{300}});
  answers_ = {"HTTP/1.1 202 OK\r\nContent-Length: 99\r\n\r\nok",
              "HTTP/1.1 410 Gone\r\nContent-Length: 99\r\n\r\n"};
  ScriptedServer open([this](ScriptedPeer& peer) {
    receive(peer);
    peer.hang();
  });
  EXPECT_EQ(send(message(open.url())).kind, Kind::kDelivered);
  EXPECT_EQ(send(message(open.url())).kind, Kind::kGone);
}

TEST_F(WebhookSenderTest, TakesNoAnswerWhoseHeadIsCut) {
  for (const std::string head :
       {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n",
        "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early\r\n\r\n"}) {
    ScriptedServer cut([&](ScriptedPeer& peer) {
      peer.next_request();
      peer.send(head);
    });
    EXPECT_EQ(send(message(cut.url())).kind, Kind::kFailed) << head;
  }
}

TEST_F(WebhookSenderTest, SendsToSeveralAtATime) {
  std::promise<void> second_came;
  ScriptedServer first([&](ScriptedPeer& peer) {
    peer.next_request();
    second_came.get_future().wait();
    peer.send(kOk);
  });
  ScriptedServer second([&](ScriptedPeer& peer) {
    peer.next_request();
    second_came.set_value();
    peer.send(kOk);
  });
  sender_->start(1, message(first.url()));
  sender_->start(2, message(second.url()));
  std::size_t ended = 0;
  for (int i = 0; i < 10 && ended < 2; ++i) ended += sender_->poll(seconds{1}).size();
  EXPECT_EQ(ended, 2u);
}

TEST_F(WebhookSenderTest, IsWokenWhileItWaits) {
  sender_->wake();
  EXPECT_THAT(sender_->poll(std::chrono::hours{1}), IsEmpty());
  std::thread other([this] { sender_->wake(); });
  EXPECT_THAT(sender_->poll(std::chrono::hours{1}), IsEmpty());
  other.join();
}

}  // namespace
}  // namespace ia
