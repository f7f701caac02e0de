#include "api/write_guard.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

int status_of(const WriteAccess& access, const HttpRequest& request) {
  HttpResponse response;
  const auto may = check_write(access, request, response);
  return may ? 200 : may.error().status;
}

const WriteAccess kOpen;
const WriteAccess kToken{.token = "correct horse", .listens_on_loopback = false};

HttpRequest a_change() {
  HttpRequest request;
  request.method = HttpMethod::kPost;
  request.host = "127.0.0.1:8080";
  request.content_type = "application/json";
  return request;
}

TEST(WriteGuard, LetsAProgramOfThisMachineChangeThings) {
  auto request = a_change();
  EXPECT_EQ(status_of(kOpen, request), 200);
  for (const auto* host : {"localhost", "LOCALHOST:8080", "127.1.2.3", "[::1]:8080", "[::1]"}) {
    request.host = host;
    EXPECT_EQ(status_of(kOpen, request), 200) << host;
  }
}

TEST(WriteGuard, LetsNobodyChangeThingsWithoutATokenWhenOthersCanReachIt) {
  EXPECT_EQ(status_of({.token = {}, .listens_on_loopback = false}, a_change()), 403);
}

// A page of a name that was made to resolve to 127.0.0.1 is of the same origin as its requests.
TEST(WriteGuard, KnowsNamesThatOnlyResolveToThisMachine) {
  auto request = a_change();
  for (const auto* host : {"evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
                           "192.168.0.1", "", "[::2]"}) {
    request.host = host;
    EXPECT_EQ(status_of(kOpen, request), 403) << host;
  }
}

// To the server, whoever a proxy on this machine passes on is on this machine.
TEST(WriteGuard, LetsNobodyBehindAProxyChangeThingsWithoutAToken) {
  auto request = a_change();
  request.is_forwarded = true;
  request.client = IpAddress::parse("127.0.0.1").value();
  EXPECT_EQ(status_of(kOpen, request), 403);
  request.authorization = "Bearer correct horse";
  EXPECT_EQ(status_of(kToken, request), 200);
}

TEST(WriteGuard, LetsOnlyItsOwnPageChangeThings) {
  auto request = a_change();
  request.origin = "http://127.0.0.1:8080";
  request.sec_fetch_site = "same-origin";
  EXPECT_EQ(status_of(kOpen, request), 200);
  for (const auto* origin :
       {"http://evil.example", "null", "http://127.0.0.1:9090", "https://127.0.0.1:8080"}) {
    request.origin = origin;
    EXPECT_EQ(status_of(kOpen, request), 403) << origin;
  }
  request.origin = {};
  for (const auto* site : {"cross-site", "same-site"}) {
    request.sec_fetch_site = site;
    EXPECT_EQ(status_of(kOpen, request), 403) << site;
  }
}

TEST(WriteGuard, TakesNoFormsOfOtherPages) {
  for (const auto method : {HttpMethod::kPost, HttpMethod::kPut}) {
    auto request = a_change();
    request.method = method;
    for (const auto* type :
         {"text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"}) {
      request.content_type = type;
      EXPECT_EQ(status_of(kOpen, request), 415) << type;
    }
    request.content_type = "Application/JSON ; charset=utf-8";
    EXPECT_EQ(status_of(kOpen, request), 200);
  }
}

TEST(WriteGuard, WantsNoTypeOfABodyThatIsNotThere) {
  auto request = a_change();
  request.content_type = {};
  EXPECT_EQ(status_of(kOpen, request), 200);
  request.has_body = request.is_body_kept = true;
  EXPECT_EQ(status_of(kOpen, request), 415);
}

TEST(WriteGuard, WantsTheWholeBody) {
  auto request = a_change();
  request.has_body = true;
  EXPECT_EQ(status_of(kOpen, request), 413);
  request.is_body_kept = true;
  EXPECT_EQ(status_of(kOpen, request), 200);
}

TEST(WriteGuard, WantsTheTokenWhereOneIsSet) {
  auto request = a_change();
  for (const auto* wrong : {"", "Bearer", "Bearer ", "Bearer correct", "Bearer correct hors",
                            "Bearer correct horse ", "Bearer correct horsecorrect horse",
                            "Basic correct horse", "correct horse", "Bearer Correct horse"}) {
    request.authorization = wrong;
    EXPECT_EQ(status_of(kToken, request), 401) << wrong;
  }
  request.authorization = "bearer correct horse";
  request.host = "anywhere.example";
  request.origin = "https://anywhere.example";
  EXPECT_EQ(status_of(kToken, request), 200);
}

TEST(WriteGuard, SaysHowToSendTheToken) {
  HttpResponse response;
  EXPECT_FALSE(check_write(kToken, a_change(), response));
  EXPECT_EQ(response.headers, "WWW-Authenticate: Bearer\r\n");
}

}  // namespace
}  // namespace ia
