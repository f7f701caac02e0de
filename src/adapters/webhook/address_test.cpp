#include "adapters/webhook/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

namespace ia {
namespace {

sockaddr_storage address(const std::string& text) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&storage, &v4, sizeof v4);
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return storage;
}
bool is_public_text(const std::string& text) {
  const auto storage = address(text);
  EXPECT_NE(storage.ss_family, AF_UNSPEC) << text;
  return is_public(reinterpret_cast<const sockaddr&>(storage));
}

TEST(WebhookAddress, KnowsThePublicInternet) {
  for (const auto* text : {"1.1.1.1",
                           "8.8.8.8",
                           "9.255.255.255",
                           "11.0.0.0",
                           "100.63.255.255",
                           "100.128.0.0",
                           "126.255.255.255",
                           "128.0.0.0",
                           "169.253.255.255",
                           "172.15.255.255",
                           "172.32.0.0",
                           "192.167.255.255",
                           "192.169.0.0",
                           "198.17.255.255",
                           "198.20.0.0",
                           "223.255.255.255",
                           "2606:4700:4700::1111",
                           "2a00:1450::1",
                           "2001:4860:4860::8888",
                           "::ffff:8.8.8.8",
                           "64:ff9b::8.8.8.8"}) {
    EXPECT_TRUE(is_public_text(text)) << text;
  }
}

TEST(WebhookAddress, KnowsWhatIsNot) {
  for (const auto* text : {"0.0.0.0",
                           "0.255.255.255",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::127.0.0.1",
                           "fe80::1",
                           "fec0::1",
                           "fc00::1",
                           "fd12:3456::1",
                           "ff02::1",
                           "100::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "3fff::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::1"}) {
    EXPECT_FALSE(is_public_text(text)) << text;
  }
}

TEST(WebhookAddress, TrustsNoOtherFamily) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  const auto& unix_socket = reinterpret_cast<const sockaddr&>(storage);
  EXPECT_FALSE(is_public(unix_socket));
  EXPECT_EQ(shown(unix_socket), "an unknown address");
}

TEST(WebhookAddress, ShowsAnAddress) {
  for (const auto* text : {"192.0.2.1", "2001:db8::1"}) {
    const auto storage = address(text);
    EXPECT_EQ(shown(reinterpret_cast<const sockaddr&>(storage)), text);
  }
}

}  // namespace
}  // namespace ia
