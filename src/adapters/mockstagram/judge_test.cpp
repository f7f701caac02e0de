#include "adapters/mockstagram/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/log.h"
#include "net/scripted_server.h"
#include "net/tls_test_server.h"
#include "simulator/mockstagram_server.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A simulator and a judge that asks it.
class MockstagramJudgeTest : public ::testing::Test {
 protected:
  void serve(Faults faults = {}) {
    auto started = MockstagramServer::start({.listen = "127.0.0.1:0",
                                             .influencers = InfluencerSet::parse("1-1000").value(),
                                             .seed = 1,
                                             .faults = faults,
                                             .answers_kept = 0},
                                            clock_, log_);
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    options_.url = server_->url();
  }
  std::vector<Ruling> ask(const std::vector<Suspect>& suspects) {
    const auto judge = make_mockstagram_judge(options_, clock_);
    for (const auto& suspect : suspects) judge->ask(suspect);
    std::vector<Ruling> rulings;
    const auto end = clock_.mono() + std::chrono::seconds{30};
    while (judge->in_flight() > 0 && clock_.mono() < end) {
      for (auto& ruling : judge->take(milliseconds{100})) rulings.push_back(std::move(ruling));
    }
    return rulings;
  }
  static Suspect suspect(std::uint64_t id, std::int64_t followers, std::int64_t following) {
    return {InfluencerId{id}, "influencer-" + std::to_string(id), {followers, following}};
  }

  SystemClock clock_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  MockstagramJudgeOptions options_;
  std::unique_ptr<MockstagramServer> server_;
};

TEST_F(MockstagramJudgeTest, BringsTheNetworksWordOnWhatItWasTold) {
  serve();
  const auto rulings = ask({suspect(1, 500, 100), suspect(2, 57'000, 1'000)});
  ASSERT_THAT(rulings, SizeIs(2));
  for (const auto& ruling : rulings) {
    ASSERT_TRUE(ruling.suspicious) << ruling.suspicious.error().message;
    EXPECT_EQ(*ruling.suspicious, ruling.suspect.influencer == InfluencerId{1});
  }
}

TEST_F(MockstagramJudgeTest, AsksManyAtATimeOverFewConnections) {
  serve();
  options_.max_connections = 4;
  std::vector<Suspect> suspects;
  for (std::uint64_t id = 1; id <= 12; ++id) suspects.push_back(suspect(id, 100'000, 100));
  std::set<InfluencerId> seen;
  for (const auto& ruling : ask(suspects)) {
    EXPECT_TRUE(ruling.suspicious);
    seen.insert(ruling.suspect.influencer);
  }
  EXPECT_THAT(seen, SizeIs(12));
}

TEST_F(MockstagramJudgeTest, EscapesNames) {
  serve();
  auto odd = suspect(3, 1, 100);
  odd.username = "a\"b\\c\n";
  const auto rulings = ask({odd});
  ASSERT_THAT(rulings, SizeIs(1));
  EXPECT_TRUE(rulings.front().suspicious.value_or(false));
}

TEST_F(MockstagramJudgeTest, SaysWhyThereIsNoVerdict) {
  Faults faults;
  faults.error_rate = 1;
  serve(faults);
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  ASSERT_FALSE(rulings.front().suspicious);
  EXPECT_EQ(rulings.front().suspicious.error().code, Errc::kUnavailable);
}

TEST_F(MockstagramJudgeTest, SaysThatNobodyListens) {
  options_.url = "http://127.0.0.1:1";
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  ASSERT_FALSE(rulings.front().suspicious);
  EXPECT_THAT(rulings.front().suspicious.error().message, HasSubstr("onnect"));
}

TEST_F(MockstagramJudgeTest, GivesUpACallThatTakesTooLong) {
  Faults faults;
  faults.hang_rate = 1;
  serve(faults);
  options_.timeout = milliseconds{200};
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  EXPECT_FALSE(rulings.front().suspicious);
}

// {"pk":1,"suspicious":true} by Python's gzip.compress.
constexpr std::string_view kGzipped{
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\xc8\x56\xb2\x32\xd4\x51\x2a\x2e\x2d"
    "\x2e\xc8\x4c\xce\xcc\x2f\x2d\x56\xb2\x2a\x29\x2a\x4d\xad\x05\x00\xb9\xf4\x0a\xdb\x1a\x00"
    "\x00\x00",
    46};

TEST_F(MockstagramJudgeTest, ReadsWhatServersMaySend) {
  const std::string plain = R"({"pk":1,"suspicious":true})";
  for (const auto& [head, body] : {std::pair<std::string, std::string>{"200 OK", plain},
                                   {"203", plain},
                                   {"200\r\nContent-Encoding: identity", plain},
                                   {"200\r\nContent-Encoding: none", plain},
                                   {"200\r\nContent-Encoding:", plain},
                                   {"200\r\nContent-Encoding: gzip", std::string(kGzipped)},
                                   {"200", "\xef\xbb\xbf" + plain}}) {
    ScriptedServer server([&](ScriptedPeer& peer) {
      const auto request = peer.next_request();
      if (!request) return;
      const auto at = request->find("Content-Length: ");
      peer.next_body(std::stoul(request->substr(at + 16)));
      peer.send("HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    });
    options_.url = server.url();
    const auto rulings = ask({suspect(1, 500, 100)});
    ASSERT_THAT(rulings, SizeIs(1));
    ASSERT_TRUE(rulings.front().suspicious)
        << head << ": " << rulings.front().suspicious.error().message;
    EXPECT_TRUE(*rulings.front().suspicious);
  }
}

TEST_F(MockstagramJudgeTest, SaysWhyTlsFails) {
  TlsServer server(Authority("theirs"), "DNS:localhost", {});
  options_.url = server.url("localhost");
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  ASSERT_FALSE(rulings.front().suspicious);
  EXPECT_THAT(rulings.front().suspicious.error().message, HasSubstr("unknown issuer"));
}

TEST_F(MockstagramJudgeTest, AsksByTheProxyAndSaysWhoAsks) {
  std::string head;
  ScriptedServer proxy([&](ScriptedPeer& peer) {
    head = peer.next_request().value_or("");
    peer.send("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
  });
  const auto url = "http://me:pass@" + proxy.authority();
  options_.proxies = Proxies([&](const char* name) -> const char* {
    return name == std::string_view("ALL_PROXY") ? url.c_str() : nullptr;
  });
  options_.url = "http://network.invalid";
  options_.user_agent = "test/1";
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  EXPECT_THAT(rulings.front().suspicious.error().message, HasSubstr("502"));
  EXPECT_THAT(head, HasSubstr("POST http://network.invalid/api/v1/influencers/is_suspicious "));
  EXPECT_THAT(head, HasSubstr("Proxy-Authorization: Basic bWU6cGFzcw=="));
  EXPECT_THAT(head, HasSubstr("User-Agent: test/1\r\n"));
}

TEST_F(MockstagramJudgeTest, SaysWhatToDoWhereAProxyWantsToBeLoggedInTo) {
  ScriptedServer proxy([](ScriptedPeer& peer) {
    peer.next_request();
    peer.send("HTTP/1.1 407 Log in\r\nContent-Length: 0\r\n\r\n");
  });
  const auto url = proxy.authority();
  options_.proxies = Proxies([&](const char* name) -> const char* {
    return name == std::string_view("ALL_PROXY") ? url.c_str() : nullptr;
  });
  for (const auto* network : {"http://network.invalid", "https://network.invalid"}) {
    options_.url = network;
    const auto rulings = ask({suspect(1, 500, 100)});
    ASSERT_THAT(rulings, SizeIs(1));
    EXPECT_THAT(rulings.front().suspicious.error().message,
                HasSubstr("http://USER:PASSWORD@HOST:PORT"));
  }
}

TEST_F(MockstagramJudgeTest, AsksNothingPastAProxyThatIsNotSpoken) {
  serve();
  options_.proxies = Proxies([](const char* name) -> const char* {
    return name == std::string_view("http_proxy") ? "socks5://p:1" : nullptr;
  });
  const auto rulings = ask({suspect(1, 500, 100)});
  ASSERT_THAT(rulings, SizeIs(1));
  ASSERT_FALSE(rulings.front().suspicious);
  EXPECT_THAT(rulings.front().suspicious.error().message, HasSubstr("the proxy in http_proxy"));
}

TEST_F(MockstagramJudgeTest, ForgetsWhatIsCancelled) {
  serve();
  const auto judge = make_mockstagram_judge(options_, clock_);
  judge->ask(suspect(1, 500, 100));
  judge->cancel();
  EXPECT_EQ(judge->in_flight(), 0u);
  EXPECT_THAT(judge->take(milliseconds{0}), IsEmpty());
}

}  // namespace
}  // namespace ia
