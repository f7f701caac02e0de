#include "net/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace ia {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Variables = std::map<std::string, std::string>;

Proxies proxies(const Variables& variables) {
  return Proxies([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

// "direct", or where the proxy is.
std::string way(const Variables& variables, std::string_view url) {
  const auto found = proxies(variables).find(url);
  if (!found) return found.error().message;
  return *found ? (*found)->authority() : "direct";
}

TEST(Proxies, AreNamedByScheme) {
  const Variables both = {{"HTTPS_PROXY", "http://secure:1"}, {"HTTP_PROXY", "http://plain:2"}};
  EXPECT_EQ(way(both, "https://a.example/x"), "secure:1");
  EXPECT_EQ(way(both, "HTTPS://a.example"), "secure:1");
  EXPECT_EQ(way(both, "http://a.example:81/?x#y"), "plain:2");
  EXPECT_EQ(way({}, "https://a.example"), "direct");
  EXPECT_EQ(way({{"HTTPS_PROXY", "p:1"}}, "http://a.example"), "direct");
}

TEST(Proxies, PreferLowerCaseAndTheSchemesOwnVariable) {
  EXPECT_EQ(way({{"HTTPS_PROXY", "upper:1"}, {"https_proxy", "lower:1"}}, "https://a"), "lower:1");
  EXPECT_EQ(way({{"ALL_PROXY", "all:1"}, {"HTTPS_PROXY", "own:1"}}, "https://a"), "own:1");
  EXPECT_EQ(way({{"ALL_PROXY", "all:1"}}, "http://a"), "all:1");
  EXPECT_EQ(way({{"all_proxy", "all:1"}, {"https_proxy", ""}}, "https://a"), "direct");
}

TEST(Proxies, AreNotTakenFromAHeaderOfACgiRequest) {
  const Variables cgi = {{"HTTP_PROXY", "evil:1"}, {"REQUEST_METHOD", "GET"}};
  EXPECT_EQ(way(cgi, "http://a"), "direct");
  EXPECT_EQ(way({{"HTTP_PROXY", "good:1"}}, "http://a"), "good:1");
}

TEST(Proxies, MayHaveCredentialsAndNoPort) {
  const auto proxy =
      proxies({{"HTTPS_PROXY", "http://ada:p%40ss%3Aw%zz@[::1]/"}}).find("https://a");
  ASSERT_TRUE(proxy && *proxy);
  EXPECT_EQ((*proxy)->host, "::1");
  EXPECT_EQ((*proxy)->authority(), "[::1]:1080");
  EXPECT_EQ((*proxy)->user, "ada");
  EXPECT_EQ((*proxy)->password, "p@ss:w%zz");
  EXPECT_EQ(HttpProxy({.host = "p", .port = "1", .user = "Aladdin", .password = "open sesame"})
                .authorization(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(HttpProxy({.host = "p", .port = "1"}).authorization(), "");
}

TEST(Proxies, LeaveOutTheHostsOfNoProxy) {
  struct Case {
    const char* no_proxy;
    const char* url;
    bool is_direct;
  };
  for (const auto& [no_proxy, url, is_direct] : {
           Case{"*", "https://a.example", true},
           Case{"example", "https://a.example", true},
           Case{".a.example", "https://a.example", true},
           Case{"a.example.", "https://A.Example.:8443/x", true},
           Case{"b.example, A.EXAMPLE", "https://x.a.example", true},
           Case{"b.example a.example", "https://a.example", true},
           Case{"a.example", "https://ba.example", false},
           Case{"a.example.org", "https://a.example", false},
           Case{"a.example:443", "https://a.example", true},
           Case{"a.example:8443", "https://a.example", false},
           Case{"127.0.0.1", "https://127.0.0.1:1", true},
           Case{"127.0.0.1:1", "https://127.0.0.1:1", true},
           Case{"127.0.0.1:2", "https://127.0.0.1:1", false},
           Case{"127.0.0.0/8", "https://127.1.2.3", true},
           Case{"10.0.0.0/9", "https://10.127.255.255", true},
           Case{"10.0.0.0/9", "https://10.128.0.0", false},
           Case{"0.0.0.0/0", "https://10.128.0.0", true},
           Case{"10.0.0.0/33", "https://10.0.0.0", false},
           Case{"10.0.0.0/x", "https://10.0.0.0", false},
           Case{"10.0.0.0/", "https://10.0.0.0", false},
           Case{"0.0.1", "https://127.0.0.1", false},
           Case{"::1", "https://[::1]:3000/", true},
           Case{"[::1]", "https://[::1]", true},
           Case{"[::1]:3000", "https://[::1]:3000", true},
           Case{"2001:db8::/32", "https://[2001:db8:1::7]", true},
           Case{"2001:db8::/32", "https://[2001:db9::7]", false},
           Case{"2001:db8::/32", "https://10.0.0.1", false},
           Case{"", "https://127.0.0.1", false},
           Case{"", "https://localhost", false},
           Case{"", "https://169.254.169.254/latest", true},
           Case{"", "https://[fe80::1]", true},
       }) {
    const auto seen = way({{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", no_proxy}}, url);
    EXPECT_EQ(seen, is_direct ? "direct" : "p:1") << no_proxy << " for " << url;
  }
  EXPECT_EQ(way({{"ALL_PROXY", "p:1"}, {"no_proxy", ""}, {"NO_PROXY", "*"}}, "https://a"), "p:1");
}

TEST(Proxies, AreRefusedWhenTheyAreNotSpoken) {
  for (const auto* text : {"socks5://me:secret@p:1", "https://me:secret@p:1", "http://me:secret@",
                           "http://me:secret@p:x", "http://me:secret@p:99999",
                           "http://me:secret@p q:1", "http://me:secret@:1"}) {
    const auto seen = way({{"ALL_PROXY", text}}, "https://a");
    EXPECT_THAT(seen, HasSubstr("ALL_PROXY")) << text;
    EXPECT_THAT(seen, HasSubstr("http://[USER:PASSWORD@]HOST[:PORT]")) << text;
    EXPECT_THAT(seen, Not(HasSubstr("secret"))) << text;
  }
  EXPECT_EQ(way({{"ALL_PROXY", "socks5://p:1"}, {"NO_PROXY", "a"}}, "https://a"), "direct");
}

}  // namespace
}  // namespace ia
