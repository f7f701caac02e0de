#include "http/request_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using ::testing::HasSubstr;

struct Gate {
  explicit Gate(HttpServerOptions options_in = {}) : options(std::move(options_in)) {}
  std::optional<RequestGate::Refusal> refuse(HttpRequest& request) {
    return gate.refuse(request, clock.mono());
  }
  int status(HttpRequest request) {
    const auto refused = refuse(request);
    return refused ? refused->problem.status : 200;
  }
  int status_of_host(std::string_view host) {
    HttpRequest request;
    request.host = host;
    return status(request);
  }

  HttpServerOptions options;
  Metrics metrics;
  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  ManualClock clock;
  RequestGate gate{options, metrics, log};
};

// A page whose name was made to resolve to 127.0.0.1 is of the same origin as its requests.
TEST(RequestGate, AnswersOnLoopbackForNoNameThatAnotherMachineCanHave) {
  Gate gate;
  for (const auto* host : {"", "localhost:8080", "127.0.0.1:8080", "[::1]", "192.0.2.1", "127.1"}) {
    EXPECT_EQ(gate.status_of_host(host), 200) << host;
  }
  for (const auto* host : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "a"}) {
    EXPECT_EQ(gate.status_of_host(host), 403) << host;
  }
  HttpRequest request;
  request.host = "evil.example:8080";
  EXPECT_THAT(gate.refuse(request)->problem.detail,
              AllOf(HasSubstr("evil.example:"), HasSubstr("--allowed-hosts")));
}

TEST(RequestGate, AnswersForTheNamesItIsTold) {
  Gate gate({.allowed_hosts = {"ia.example.org", "*.example.net"}});
  for (const auto* host : {"ia.example.org", "IA.Example.ORG:443", "ia.example.org.",
                           "a.example.net", "a.b.example.net", "localhost", "10.0.0.1"}) {
    EXPECT_EQ(gate.status_of_host(host), 200) << host;
  }
  for (const auto* host : {"example.org", "x.ia.example.org", "example.net", "evilexample.net"}) {
    EXPECT_EQ(gate.status_of_host(host), 403) << host;
  }
  EXPECT_EQ(Gate({.allowed_hosts = {"*"}}).status_of_host("evil.example"), 200);
}

TEST(RequestGate, AnswersForAnyNameWhereOthersCanReachItUnlessToldOtherwise) {
  for (const auto* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    EXPECT_EQ(Gate({.host = address}).status_of_host("ia"), 200);
    EXPECT_EQ(Gate({.host = address, .allowed_hosts = {"ia"}}).status_of_host("ia"), 200);
    EXPECT_EQ(Gate({.host = address, .allowed_hosts = {"ia"}}).status_of_host("ib"), 403);
  }
}

TEST(RequestGate, LimitsTheRateOfTheClientBehindATrustedProxy) {
  Gate gate({.rate_limit = 1, .trusted_proxies = {AddressRange::parse("127.0.0.1").value()}});
  HttpRequest request;
  const auto ask = [&](std::string_view peer, std::string_view forwarded_for) {
    request.client = IpAddress::parse(peer).value();
    request.forwarded_for = forwarded_for;
    return gate.status(request);
  };
  EXPECT_EQ(ask("127.0.0.1", "192.0.2.1"), 200);
  EXPECT_EQ(ask("127.0.0.1", "192.0.2.2"), 200);
  EXPECT_EQ(ask("127.0.0.1", "6.6.6.6, 192.0.2.1"), 429);
  request.forwarded = "for=192.0.2.8";
  EXPECT_EQ(ask("127.0.0.1", ""), 200);
  EXPECT_EQ(ask("127.0.0.1", "192.0.2.8"), 429) << "Forwarded names the same client";
  EXPECT_EQ(ask("192.0.2.3", "192.0.2.4"), 200);
  EXPECT_EQ(ask("192.0.2.3", "192.0.2.5"), 429) << "what it says of itself counts for nothing";
}

TEST(RequestGate, TakesNoBodyThatIsCompressed) {
  Gate gate;
  HttpRequest request;
  request.method = HttpMethod::kPost;
  request.has_body = true;
  for (const auto* plain : {"", "identity", "Identity"}) {
    request.content_encoding = plain;
    EXPECT_EQ(gate.status(request), 200) << plain;
  }
  for (const auto* coding : {"gzip", "br", "deflate", "identity, gzip", "x"}) {
    request.content_encoding = coding;
    const auto refused = gate.refuse(request);
    EXPECT_EQ(refused->problem.status, 415) << coding;
    EXPECT_EQ(refused->headers, "Accept-Encoding: identity\r\n");
  }
}

TEST(RequestGate, LooksAtNoMoreTokensOfAClientThatGuesses) {
  Gate gate;
  HttpRequest change;
  change.method = HttpMethod::kDelete;
  change.authorization = "Bearer guess";
  for (int i = 0; i < WrongTokens::kBurst; ++i) {
    ASSERT_EQ(gate.status(change), 200);
    gate.gate.answered(change, 401, gate.clock.mono());
  }
  EXPECT_EQ(gate.status(change), 429);
  auto read = change;
  read.method = HttpMethod::kGet;
  EXPECT_EQ(gate.status(read), 200);
  auto bare = change;
  bare.authorization = {};
  EXPECT_EQ(gate.status(bare), 200) << "what has no token guesses none";
  gate.clock.advance(std::chrono::seconds{1});
  EXPECT_EQ(gate.status(change), 200);
}

}  // namespace
}  // namespace ia
