#include "api/client_address.h"

#include <gtest/gtest.h>

#include <vector>

namespace ia {
namespace {

IpAddress at(std::string_view text) { return IpAddress::parse(text).value(); }

// What a client writes into the field itself stands to the left of what proxies append.
TEST(ClientBehindProxies, IsTheRightmostAddressThatIsNotTrusted) {
  const std::vector trusted{AddressRange::parse("127.0.0.1").value(),
                            AddressRange::parse("10.0.0.0/8").value()};
  const auto client = [&](std::string_view peer, std::string_view forwarded_for) {
    return client_behind(at(peer), forwarded_for, trusted).text();
  };
  EXPECT_EQ(client("127.0.0.1", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("127.0.0.1", "6.6.6.6, 192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("127.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.7"), "192.0.2.1");
  EXPECT_EQ(client("127.0.0.1", "10.0.0.7,10.0.0.8"), "10.0.0.7");
  EXPECT_EQ(client("127.0.0.1", ""), "127.0.0.1");
  EXPECT_EQ(client("192.0.2.9", "6.6.6.6"), "192.0.2.9") << "it is no proxy of ours";
  EXPECT_EQ(client("127.0.0.1", "192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(client("127.0.0.1", "[2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(client("127.0.0.1", "2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(client("127.0.0.1", "6.6.6.6, unknown"), "127.0.0.1");
  EXPECT_EQ(client("127.0.0.1", "192.0.2.1, , 10.0.0.7,"), "192.0.2.1");
  EXPECT_EQ(client("127.0.0.1", "["), "127.0.0.1");
}

}  // namespace
}  // namespace ia
