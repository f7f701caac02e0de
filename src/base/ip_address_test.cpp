#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

IpAddress at(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, IsWrittenInBothForms) {
  for (const auto* text : {"192.0.2.1", "2001:db8::1", "::1", "0.0.0.0"}) {
    EXPECT_EQ(at(text).text(), text);
  }
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "::g", "a", " ::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1\0x", 5)));
}

TEST(IpAddress, IsTheSameWhenIpv4CameAsIpv6) {
  EXPECT_EQ(at("::ffff:192.0.2.1"), at("192.0.2.1"));
  EXPECT_EQ(at("::ffff:192.0.2.1").text(), "192.0.2.1");
}

TEST(IpAddress, KnowsThisMachine) {
  for (const auto* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(at(text).is_loopback()) << text;
  }
  for (const auto* text : {"128.0.0.1", "::2", "::", "1::1"}) {
    EXPECT_FALSE(at(text).is_loopback()) << text;
  }
}

TEST(IpAddress, IsLimitedByItsIpv4AddressOrItsIpv6Network) {
  EXPECT_NE(at("192.0.2.1").limit_key(), at("192.0.2.2").limit_key());
  EXPECT_EQ(at("2001:db8::1").limit_key(), at("2001:db8::ffff:1").limit_key());
  EXPECT_NE(at("2001:db8::1").limit_key(), at("2001:db8:0:1::1").limit_key());
}

TEST(AddressRange, HoldsTheAddressesOfItsNetwork) {
  const auto holds = [](std::string_view range, std::string_view address) {
    return AddressRange::parse(range).value().contains(at(address));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("10.0.0.0/9", "10.127.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/9", "10.128.0.1"));
  EXPECT_TRUE(holds("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(holds("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(holds("fd00::/8", "fdff::1"));
  EXPECT_FALSE(holds("fd00::/8", "fe00::1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("::/0", "1.2.3.4"));
  EXPECT_TRUE(holds("10.1.2.3/8", "10.0.0.1"));
}

TEST(AddressRange, IsRefusedInOtherForms) {
  for (const auto* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
                           "10.0.0.0/8/8", "10.0.0.0/a", "example.org", "10.0.0/8"}) {
    EXPECT_FALSE(AddressRange::parse(text)) << text;
  }
}

TEST(Port, IsDigitsFrom1To65535) {
  for (const auto* text : {"1", "80", "65535", "0080"}) EXPECT_TRUE(is_port(text)) << text;
  for (const auto* text : {"", "0", "65536", "-1", "+1", " 1", "1 ", "1x", "99999999999"}) {
    EXPECT_FALSE(is_port(text)) << text;
  }
}

}  // namespace
}  // namespace ia
