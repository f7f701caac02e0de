#include "http/client_address.h"

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
    return client_behind(at(peer), {.x_forwarded_for = forwarded_for}, trusted).text();
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

TEST(ClientBehindProxies, IsReadFromForwardedAsWell) {
  const std::vector trusted{AddressRange::parse("127.0.0.1").value(),
                            AddressRange::parse("2001:db8:1::/48").value()};
  const auto client = [&](std::string_view forwarded, std::string_view peer = "127.0.0.1") {
    return client_behind(at(peer), {.forwarded = forwarded}, trusted).text();
  };
  EXPECT_EQ(client("for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("For=\"192.0.2.1:4711\""), "192.0.2.1");
  EXPECT_EQ(client("for=\"[2001:db8::1]:4711\""), "2001:db8::1");
  EXPECT_EQ(client("for=\"[2001:db8::1]:_port\";proto=https"), "2001:db8::1");
  EXPECT_EQ(client("proto=http ; FOR = 192.0.2.1;by=203.0.113.43"), "192.0.2.1");
  EXPECT_EQ(client("for=6.6.6.6, for=192.0.2.1, for=\"[2001:db8:1::7]\""), "192.0.2.1");
  EXPECT_EQ(client("for=6.6.6.6, for=192.0.2.1, ,for=127.0.0.1,"), "192.0.2.1");
  EXPECT_EQ(client("by=\"a,b;for=6.6.6.6\";for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("for=192.0.2.1", "192.0.2.9"), "192.0.2.9") << "it is no proxy of ours";
  for (const auto* no_address :
       {"for=unknown", "for=_hidden", "for=\"_SEVKISEK\"", "proto=https", "for", "for=", "=",
        "for=\"", "for=\"192.0.2.1", "for=192.0.2.1;for=192.0.2.2", "192.0.2.1", "for=[",
        "for=\"[\"", "for=\"192.0.2.1\\\"\"", "for=[fe80::1%25eth0]", "\"", "\\", ";;;",
        "for==192.0.2.1"}) {
    EXPECT_EQ(client(no_address), "127.0.0.1") << no_address;
    EXPECT_EQ(client(std::string("for=6.6.6.6, ") + no_address), "127.0.0.1") << no_address;
  }
}

// The client's own part ends where the trusted proxy's begins, whatever it looks like.
TEST(ClientBehindProxies, IsNotHiddenByWhatItWritesIntoForwardedItself) {
  const std::vector trusted{AddressRange::parse("127.0.0.1").value()};
  for (const auto* own :
       {"for=\"", "for=\"\\", "\\", "\"\\\"", "for=\"x, for=127.0.0.1", ",", ";\";"}) {
    for (const auto* appended : {", for=192.0.2.1", ", for=\"192.0.2.1:80\";proto=https"}) {
      const auto forwarded = std::string(own) + appended;
      const auto client = client_behind(at("127.0.0.1"), {.forwarded = forwarded}, trusted);
      EXPECT_EQ(client.text(), "192.0.2.1") << forwarded;
    }
  }
}

TEST(ClientBehindProxies, IsWhatXForwardedForSaysWhereThereIsOne) {
  const std::vector trusted{AddressRange::parse("127.0.0.1").value()};
  const auto client = [&](std::string_view x, std::string_view forwarded) {
    return client_behind(at("127.0.0.1"), {.x_forwarded_for = x, .forwarded = forwarded}, trusted)
        .text();
  };
  EXPECT_EQ(client("192.0.2.1", "for=6.6.6.6"), "192.0.2.1");
  EXPECT_EQ(client("unknown", "for=6.6.6.6"), "127.0.0.1");
  EXPECT_EQ(client(" ", "for=192.0.2.1"), "192.0.2.1");
}

}  // namespace
}  // namespace ia
