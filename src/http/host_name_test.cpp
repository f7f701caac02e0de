#include "http/host_name.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

TEST(HostName, IsAHostAndPerhapsAPort) {
  for (const auto* host : {"", "example.org", "example.org:8080", "a_b", "xn--d1acpjx3f.xn--p1ai",
                           "127.0.0.1:1", "[::1]", "[::1]:8080", "example.org.", "a:"}) {
    EXPECT_TRUE(is_host_field(host)) << host;
  }
  for (const auto* host : {"a b", "a/b", "user@host", "a,b", "a:b", ":80", "a:80:80", "::1", "[::1",
                           "[a]", "[127.0.0.1]", "[::1]x", "a:123456", "a?b", "\xc3\xa4", "[]"}) {
    EXPECT_FALSE(is_host_field(host)) << host;
  }
}

TEST(HostName, IsOfThisMachineWhenNoOtherCanHaveIt) {
  for (const auto* host : {"localhost", "LOCALHOST:8080", "localhost.", "ia.localhost", "127.1.2.3",
                           "[::1]:8080", "[::1]", "[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(names_this_machine(host)) << host;
  }
  for (const auto* host :
       {"", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "notlocalhost",
        "192.168.0.1", "[::2]", "0.0.0.0"}) {
    EXPECT_FALSE(names_this_machine(host)) << host;
  }
}

TEST(HostName, MayBeAnAddress) {
  for (const auto* host : {"192.0.2.1", "192.0.2.1:80", "127.1", "0x7f.1", "[2001:db8::1]:80"}) {
    EXPECT_TRUE(is_address(host)) << host;
  }
  for (const auto* host : {"", "example.org", "192.0.2.1.example", "[x]", "1.2.3.4.5"}) {
    EXPECT_FALSE(is_address(host)) << host;
  }
}

}  // namespace
}  // namespace ia
