// Requests as bytes, from RFC 9110 and RFC 9112, against the whole API: what each is answered, and
// whether the connection goes on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using namespace std::string_literals;

enum class Then : std::uint8_t { kOpen, kCloses };

struct Exchange {
  std::string_view what;
  std::string bytes;
  std::vector<int> statuses;  // of all answers, in order
  Then then = Then::kOpen;
};

const std::string kHost = "Host: localhost\r\n";
const std::string kProbe = "GET /healthz HTTP/1.1\r\n" + kHost + "\r\n";
const std::string kRule =
    R"({"name":"x","kind":"rank","direction":"enters","rank":1,"influencers":[100],)"
    R"("url":"https://example.com/"})";

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET "s.append(target) + " HTTP/1.1\r\n" + kHost + std::string(fields) + "\r\n";
}
std::string get_with_host(std::string_view host) {
  return "GET /healthz HTTP/1.1\r\nHost: "s.append(host) + "\r\n\r\n";
}
// A query of Prometheus's API as a form, with these fields and what stands behind them.
std::string form(std::string_view fields, std::string_view rest,
                 std::string_view version = "HTTP/1.1") {
  return "POST /prometheus/api/v1/query "s.append(version) + "\r\n" + kHost +
         "Content-Type: application/x-www-form-urlencoded\r\n" + std::string(fields) + "\r\n" +
         std::string(rest);
}
std::string typed(std::string_view type) {
  return "POST /prometheus/api/v1/query HTTP/1.1\r\n" + kHost +
         "Content-Type: " + std::string(type) + "\r\nContent-Length: 7\r\n\r\nquery=1";
}
std::string chunked(std::string_view rest) { return form("Transfer-Encoding: chunked\r\n", rest); }
// A change by a chunked body that a foreign host asks for.
std::string foreign_change(std::string_view trailers) {
  return "POST /api/v1/alerts HTTP/1.1\r\nHost: evil.example\r\nContent-Type: "
         "application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
         fmt::format("{:x}\r\n{}\r\n0\r\n", kRule.size(), kRule) + std::string(trailers) + "\r\n";
}
std::string change(std::string_view fields, std::string_view body = kRule) {
  return "POST /api/v1/alerts HTTP/1.1\r\n" + kHost + "Content-Type: application/json\r\n" +
         std::string(fields) + fmt::format("Content-Length: {}\r\n\r\n", body.size()) +
         std::string(body);
}

class RawRequestsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.watch({{InfluencerId{100}, InfluencerId{109}}});
    world_.serve();
    ASSERT_EQ(world_.error, "");
  }
  void expect(const std::vector<Exchange>& exchanges) {
    for (const auto& exchange : exchanges) expect(exchange);
  }
  void expect(const Exchange& exchange) {
    SCOPED_TRACE(exchange.what);
    TestClient client(world_.port());
    client.send(exchange.bytes);
    const bool has_body = !exchange.bytes.starts_with("HEAD");
    for (const int status : exchange.statuses) {
      const auto reply = client.read(has_body);
      EXPECT_EQ(reply.status, status) << reply.body;
    }
    if (exchange.then == Then::kOpen) {
      client.send(kProbe);
      EXPECT_EQ(client.read().status, 200) << "the connection should go on";
    } else {
      EXPECT_TRUE(client.is_closed()) << "the connection should end";
    }
  }

  TestWorld world_;
};

TEST_F(RawRequestsTest, RequestLines) {
  expect({
      {"plain", kProbe, {200}},
      {"HEAD", "HEAD /healthz HTTP/1.1\r\n" + kHost + "\r\n", {200}},
      {"two pipelined", kProbe + kProbe, {200, 200}},
      {"an empty line before", "\r\n" + kProbe, {200}},
      {"1.0", "GET /healthz HTTP/1.0\r\n\r\n", {200}, Then::kCloses},
      {"1.0 that stays", "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {200}},
      {"1.2 is 1.1", "GET /healthz HTTP/1.2\r\n" + kHost + "\r\n", {200}},
      {"1.9 is 1.1", "GET /healthz HTTP/1.9\r\n" + kHost + "\r\n", {200}},
      {"1.2 needs a host", "GET /healthz HTTP/1.2\r\n\r\n", {400}, Then::kCloses},
      {"1.10", "GET /healthz HTTP/1.10\r\n" + kHost + "\r\n", {400}, Then::kCloses},
      {"2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, Then::kCloses},
      {"3.0", "GET /healthz HTTP/3.0\r\n" + kHost + "\r\n", {505}, Then::kCloses},
      {"0.9", "GET /healthz HTTP/0.9\r\n\r\n", {505}, Then::kCloses},
      {"no version", "GET /healthz\r\n\r\n", {400}, Then::kCloses},
      {"lower case", "GET /healthz http/1.1\r\n" + kHost + "\r\n", {400}, Then::kCloses},
      {"two blanks", "GET  /healthz HTTP/1.1\r\n" + kHost + "\r\n", {400}, Then::kCloses},
      {"a tab", "GET\t/healthz HTTP/1.1\r\n" + kHost + "\r\n", {400}, Then::kCloses},
      {"a blank in the target",
       "GET /health z HTTP/1.1\r\n" + kHost + "\r\n",
       {400},
       Then::kCloses},
      {"line feeds alone", "GET /healthz HTTP/1.1\nHost: localhost\n\n", {400}, Then::kCloses},
      {"another method", "PATCH /healthz HTTP/1.1\r\n" + kHost + "\r\n", {405}},
      {"a method in lower case", "get /healthz HTTP/1.1\r\n" + kHost + "\r\n", {405}},
      {"no token", "G@T /healthz HTTP/1.1\r\n" + kHost + "\r\n", {400}, Then::kCloses},
      {"TLS", "\x16\x03\x01\x02\x00\x01"s, {400}, Then::kCloses},
  });
}

TEST_F(RawRequestsTest, Targets) {
  expect({
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", {204}},
      {"GET *", "GET * HTTP/1.1\r\n" + kHost + "\r\n", {400}},
      {"OPTIONS of a path", "OPTIONS /healthz HTTP/1.1\r\n" + kHost + "\r\n", {405}},
      {"absolute", get("http://localhost/healthz"), {200}},
      {"absolute, in capitals", get("HTTP://LOCALHOST/healthz"), {200}},
      {"absolute, mixed", get("hTtPs://localhost:80/healthz"), {200}},
      {"absolute without a path", get("http://localhost"), {200}},
      {"absolute without a path, with a query", get("http://localhost?a=/healthz"), {400}},
      {"its host counts, not the field's", get("http://evil.example/healthz"), {403}},
      {"absolute without a host", get("http:///healthz"), {400}, Then::kCloses},
      {"absolute with a user", get("http://u@localhost/healthz"), {400}, Then::kCloses},
      {"another scheme", get("ftp://localhost/healthz"), {400}},
      {"an authority", "CONNECT localhost:80 HTTP/1.1\r\n" + kHost + "\r\n", {400}},
      {"no slash", get("healthz"), {400}},
      {"a fragment", get("/healthz#a"), {400}},
      {"a plus sign is a blank", get("/prometheus/api/v1/query?query=1+%2B+1"), {200}},
      {"a time's plus sign", get("/api/v1/minutes?start=2025-12-31T00:00:00+02:00"), {200}},
      {"second 60", get("/api/v1/minutes?start=2025-12-31T23:58:60Z"), {400}},
      {"too long", get("/" + std::string(3'000, 'a')), {414}, Then::kCloses},
  });
}

TEST_F(RawRequestsTest, Hosts) {
  const std::string line = "GET /healthz HTTP/1.1\r\n";
  expect({
      {"none", line + "\r\n", {400}, Then::kCloses},
      {"two", line + kHost + kHost + "\r\n", {400}, Then::kCloses},
      {"empty", get_with_host(""), {200}},
      {"with a port", get_with_host("localhost:1"), {200}},
      {"an address", get_with_host("192.0.2.1:80"), {200}},
      {"an IPv6 address", get_with_host("[::1]:80"), {200}},
      {"foreign", get_with_host("evil.example"), {403}},
      {"one that only begins as ours", get_with_host("localhost.evil.example"), {403}},
      {"with a user", get_with_host("u@localhost"), {400}, Then::kCloses},
      {"with a path", get_with_host("localhost/a"), {400}, Then::kCloses},
      {"with a blank", get_with_host("local host"), {400}, Then::kCloses},
      {"with a port that is none", get_with_host("localhost:a"), {400}, Then::kCloses},
      {"two in one", get_with_host("localhost, localhost"), {400}, Then::kCloses},
      {"folded", get_with_host("local\r\n host"), {400}, Then::kCloses},
  });
}

TEST_F(RawRequestsTest, Fields) {
  expect({
      {"a blank before the colon", get("/healthz", "X : a\r\n"), {400}, Then::kCloses},
      {"no colon", get("/healthz", "X\r\n"), {400}, Then::kCloses},
      {"no name", get("/healthz", ": a\r\n"), {400}, Then::kCloses},
      {"folded", get("/healthz", "X: a\r\n b\r\n"), {400}, Then::kCloses},
      {"folded by a tab", get("/healthz", "X: a\r\n\tb\r\n"), {400}, Then::kCloses},
      {"a blank before the first",
       "GET /healthz HTTP/1.1\r\n " + kHost + "\r\n",
       {400},
       Then::kCloses},
      {"NUL", get("/healthz", "X: a\0b\r\n"s), {400}, Then::kCloses},
      {"CR", get("/healthz", "X: a\rb\r\n"), {400}, Then::kCloses},
      {"other letters", get("/healthz", "X: \xc3\xa4\r\n"), {200}},
      {"empty", get("/healthz", "X:\r\n"), {200}},
      {"close", get("/healthz", "Connection: CLOSE\r\n"), {200}, Then::kCloses},
      {"close in a list", get("/healthz", "Connection: x , close\r\n"), {200}, Then::kCloses},
      {"too long",
       get("/healthz", "X: " + std::string(17'000, 'a') + "\r\n"),
       {431},
       Then::kCloses},
      {"If-Match that does not", get("/openapi.json", "If-Match: \"a\"\r\n"), {412}},
      {"If-Match of anything", get("/openapi.json", "If-Match: *\r\n"), {200}},
      {"Upgrade is passed over", get("/healthz", "Connection: upgrade\r\nUpgrade: h2c\r\n"), {200}},
  });
}

TEST_F(RawRequestsTest, Lengths) {
  const std::string query = "query=1";
  expect({
      {"a body", form("Content-Length: 7\r\n", query), {200}},
      {"none", form("Content-Length: 0\r\n", ""), {400}},
      {"the same twice", form("Content-Length: 7\r\nContent-Length: 7\r\n", query), {200}},
      {"the same in a list", form("Content-Length: 7, 7\r\n", query), {200}},
      {"two", form("Content-Length: 7\r\nContent-Length: 8\r\n", query), {400}, Then::kCloses},
      {"two in a list", form("Content-Length: 7, 8\r\n", query), {400}, Then::kCloses},
      {"a sign", form("Content-Length: +7\r\n", query), {400}, Then::kCloses},
      {"negative", form("Content-Length: -7\r\n", query), {400}, Then::kCloses},
      {"hexadecimal", form("Content-Length: 0x7\r\n", query), {400}, Then::kCloses},
      {"empty", form("Content-Length:\r\n", query), {400}, Then::kCloses},
      {"beyond 64 bits",
       form("Content-Length: 18446744073709551623\r\n", query),
       {400},
       Then::kCloses},
      {"too large", form("Content-Length: 70000\r\n", ""), {413}, Then::kCloses},
      {"of a GET", get("/healthz", "Content-Length: 2\r\n") + "ab", {400}},
      {"a CR LF behind it", form("Content-Length: 7\r\n", query + "\r\n") + kProbe, {200, 200}},
  });
}

// What is not understood is never "no body": what follows would be answered as the next request.
TEST_F(RawRequestsTest, TransferCodings) {
  const std::string body = "7\r\nquery=1\r\n0\r\n\r\n";
  const auto coded = [](std::string_view coding) {
    return form("Transfer-Encoding: "s.append(coding) + "\r\n", kProbe);
  };
  expect({
      {"chunked", chunked(body), {200}},
      {"in capitals", form("transfer-encoding: CHUNKED\r\n", body), {200}},
      {"an unknown one", coded("xchunked"), {400}, Then::kCloses},
      {"identity", coded("identity"), {400}, Then::kCloses},
      {"gzip", coded("gzip"), {400}, Then::kCloses},
      {"empty", coded(""), {400}, Then::kCloses},
      {"a comma", coded(","), {400}, Then::kCloses},
      {"quoted", coded("\"chunked\""), {400}, Then::kCloses},
      {"with a parameter", coded("chunked;a=b"), {400}, Then::kCloses},
      {"chunked twice", coded("chunked, chunked"), {400}, Then::kCloses},
      {"two fields", coded("chunked\r\nTransfer-Encoding: chunked"), {400}, Then::kCloses},
      {"chunked, then another", coded("chunked, identity"), {400}, Then::kCloses},
      {"another field behind", coded("chunked\r\nTransfer-Encoding: x"), {400}, Then::kCloses},
      {"another, then chunked", coded("gzip, chunked"), {501}, Then::kCloses},
      {"identity, then chunked", coded("identity, chunked"), {501}, Then::kCloses},
      {"a vertical tab",
       coded("\x0b"
             "chunked"),
       {400},
       Then::kCloses},
      {"a blank before the colon",
       form("Transfer-Encoding : chunked\r\n", body),
       {400},
       Then::kCloses},
      {"beside a length",
       form("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", body),
       {400},
       Then::kCloses},
      {"before a length",
       form("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", body),
       {400},
       Then::kCloses},
      {"identity beside a length",
       form("Transfer-Encoding: identity\r\nContent-Length: 7\r\n", "query=1"),
       {400},
       Then::kCloses},
      {"of a GET", get("/healthz", "Transfer-Encoding: x\r\n"), {400}, Then::kCloses},
      {"in 1.0",
       form("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", body, "HTTP/1.0"),
       {400},
       Then::kCloses},
  });
}

TEST_F(RawRequestsTest, Chunks) {
  expect({
      {"two", chunked("3\r\nque\r\n4\r\nry=1\r\n0\r\n\r\n"), {200}},
      {"an extension", chunked("7;a=\"b;c\"\r\nquery=1\r\n0\r\n\r\n"), {200}},
      {"zeros before", chunked("0007\r\nquery=1\r\n000\r\n\r\n"), {200}},
      {"a line feed alone behind a size", chunked("7\nquery=1"), {400}, Then::kCloses},
      {"a line feed alone behind data", chunked("7\r\nquery=1\n"), {400}, Then::kCloses},
      {"a line feed alone behind the last", chunked("7\r\nquery=1\r\n0\n"), {400}, Then::kCloses},
      {"a line feed alone at the end", chunked("7\r\nquery=1\r\n0\r\n\n"), {400}, Then::kCloses},
      {"a line feed in an extension", chunked("7;a\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
      {"no size", chunked("\r\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
      {"a sign", chunked("+7\r\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
      {"0x", chunked("0x7\r\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
      {"a blank before", chunked(" 7\r\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
      {"beyond 64 bits", chunked("10000000000000007\r\nquery=1\r\n"), {400}, Then::kCloses},
      {"too large", chunked("fffffff\r\n"), {413}, Then::kCloses},
      {"more data than its size", chunked("6\r\nquery=1\r\n0\r\n\r\n"), {400}, Then::kCloses},
  });
}

// A trailer comes after everything was decided: it must not take a field's place.
TEST_F(RawRequestsTest, Trailers) {
  expect({
      {"none", foreign_change(""), {403}},
      {"Host", foreign_change("Host: localhost\r\n"), {403}},
      {"a folded Host", foreign_change("Host: local\r\n host\r\n"), {400}, Then::kCloses},
      {"Origin", foreign_change("Origin: http://evil.example\r\n"), {403}},
      {"a length", foreign_change("Content-Length: 3\r\n"), {403}},
      {"a coding", foreign_change("Transfer-Encoding: chunked\r\n"), {403}},
      {"close", foreign_change("Connection: close\r\n"), {403}},
      {"Content-Type",
       "POST /api/v1/alerts HTTP/1.1\r\n" + kHost +
           "Transfer-Encoding: chunked\r\n\r\n0\r\n"
           "Content-Type: application/json\r\n\r\n",
       {415}},
      {"no colon", foreign_change("Host\r\n"), {400}, Then::kCloses},
      {"a blank before the colon", foreign_change("Host : localhost\r\n"), {400}, Then::kCloses},
      {"too many", foreign_change("X: " + std::string(9'000, 'a') + "\r\n"), {400}, Then::kCloses},
  });
}

TEST_F(RawRequestsTest, Bodies) {
  expect({
      {"a form", typed("application/x-www-form-urlencoded"), {200}},
      {"a form in capitals", typed("Application/X-WWW-Form-URLEncoded"), {200}},
      {"a form with a parameter", typed("application/x-www-form-urlencoded;charset=UTF-8"), {200}},
      {"a blank before it", typed("application/x-www-form-urlencoded ; charset=utf-8"), {200}},
      {"one that only begins so", typed("application/x-www-form-urlencoded2"), {400}},
      {"text", typed("text/plain"), {400}},
      {"JSON", change(""), {201}},
      {"identity", change("Content-Encoding: identity\r\n"), {201}},
      {"an empty coding", change("Content-Encoding:\r\n"), {201}},
      {"gzip", change("Content-Encoding: gzip\r\n"), {415}},
      {"br in capitals", change("Content-Encoding: BR\r\n"), {415}},
      {"a compressed form",
       form("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "\x1f\x8b"),
       {415}},
      {"over 48 KiB", change("", std::string(50'000, ' ')), {413}},
  });
}

TEST_F(RawRequestsTest, Expectations) {
  const auto expecting = [](std::string_view fields, std::string_view method = "POST") {
    return std::string(method) + " /api/v1/alerts HTTP/1.1\r\n" + kHost +
           "Content-Type: application/json\r\nExpect: 100-continue\r\n" + std::string(fields) +
           "\r\n";
  };
  expect({
      {"with the body at once", change("Expect: 100-continue\r\n"), {201}},
      {"without a body", get("/healthz", "Expect: 100-continue\r\n"), {200}},
      {"a body that is too large", expecting("Content-Length: 50000\r\n"), {413}, Then::kCloses},
      {"one that is far too large", expecting("Content-Length: 70000\r\n"), {413}, Then::kCloses},
      {"a method that takes none",
       expecting("Content-Length: 9\r\n", "PATCH"),
       {405},
       Then::kCloses},
      {"another one", get("/healthz", "Expect: x\r\n"), {417}, Then::kCloses},
      {"of 1.0", "GET /healthz HTTP/1.0\r\nExpect: x\r\n\r\n", {200}, Then::kCloses},
  });
}

TEST_F(RawRequestsTest, ABodyIsAskedForAndThenRead) {
  const auto head = [](std::string_view framing) {
    return "POST /api/v1/alerts HTTP/1.1\r\n" + kHost +
           "Content-Type: application/json\r\nExpect: 100-Continue\r\n" + std::string(framing) +
           "\r\n\r\n";
  };
  TestClient client(world_.port());
  client.send(kProbe + head(fmt::format("Content-Length: {}", kRule.size())));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().status, 100);
  client.send(kRule);
  EXPECT_EQ(client.read().status, 201);
  client.send(head("Transfer-Encoding: chunked"));
  EXPECT_EQ(client.read().status, 100);
  client.send(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kRule.size(), kRule));
  EXPECT_EQ(client.read().status, 201);
  client.send(kProbe);
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(RawRequestsTest, OptionsOfTheServerListTheMethods) {
  TestClient client(world_.port());
  client.send("OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_THAT(client.read().header("allow"), ::testing::HasSubstr("DELETE"));
}

// A wrong token, with the right one as a field of the trailer: folded, so that it lay elsewhere.
TEST_F(RawRequestsTest, NoTrailerBringsTheToken) {
  TestWorld world;
  world.writes = {.token = "0123456789abcdef", .listens_on_loopback = false};
  world.serve();
  for (const auto& [trailer, status] : std::vector<std::pair<std::string, int>>{
           {"Authorization: Bearer 0123456789abcdef\r\n", 401},
           {"Authorization: Bearer\r\n 0123456789abcdef\r\n", 400},
           {"X: a\r\n 0123456789abcdef\r\n", 400}}) {
    TestClient client(world.port());
    client.send("POST /api/v1/alerts HTTP/1.1\r\n" + kHost +
                "Content-Type: application/json\r\nAuthorization: Bearer ................\r\n"
                "Transfer-Encoding: chunked\r\n\r\n" +
                fmt::format("{:x}\r\n{}\r\n0\r\n", kRule.size(), kRule) + trailer + "\r\n");
    EXPECT_EQ(client.read().status, status) << trailer;
  }
  EXPECT_TRUE(world.alerts.rules()->empty());
}

}  // namespace
}  // namespace ia
