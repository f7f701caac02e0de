#include "adapters/webhook/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using ::testing::HasSubstr;

TEST(PrivateTarget, IsSeenInEveryNotation) {
  for (const auto* host :
       {"127.0.0.1",  "127.1",       "2130706433",    "0x7f000001",        "0177.0.0.1",
        "127.0.0.1.", "127%2e0.0.1", "10.0.0.1:8080", "192.168.1.1",       "169.254.169.254",
        "0.0.0.0",    "[::1]",       "[::1]:80",      "[::ffff:10.0.0.1]", "[fe80::1]",
        "[fd00::1]",  "localhost",   "LOCALHOST:80",  "localhost.",        "api.localhost"}) {
    const auto why = private_target(std::string("http://") + host + "/hook");
    ASSERT_TRUE(why.has_value()) << host;
    EXPECT_THAT(*why, HasSubstr("--alert-allow-private"));
  }
}

TEST(PrivateTarget, NamesAndPublicAddressesMayBeFine) {
  for (const auto* host : {"example.org", "93.184.215.14", "[2606:4700::1111]", "localhost.example",
                           "notlocalhost", "10.example.org", "hook.internal:8443"}) {
    EXPECT_EQ(private_target(std::string("https://") + host + "/hook"), std::nullopt) << host;
  }
  EXPECT_EQ(private_target("no URL"), std::nullopt);
}

}  // namespace
}  // namespace ia
