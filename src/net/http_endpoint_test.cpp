#include "net/http_endpoint.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

TEST(HttpEndpoint, ReadsHostPortAndPrefix) {
  const auto plain = parse_endpoint("http://127.0.0.1:3000").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "127.0.0.1");
  EXPECT_EQ(plain.port, "3000");
  EXPECT_EQ(plain.prefix, "");

  const auto secure = parse_endpoint("https://api.example.com/v2/").value();
  EXPECT_TRUE(secure.tls);
  EXPECT_EQ(secure.port, "443");
  EXPECT_EQ(secure.prefix, "/v2");

  const auto six = parse_endpoint("http://[::1]:8080/").value();
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(six.port, "8080");
  EXPECT_EQ(six.authority, "[::1]:8080");
}

TEST(HttpEndpoint, RefusesWhatItCannotUse) {
  for (const auto* wrong : {"", "host:3000", "ftp://host", "http://", "http://:80", "http://host:x",
                            "http://host:99999", "http://host:", "http://me:secret@host",
                            "http://host/a?b", "http://ho st", "http://host\r\n"}) {
    EXPECT_FALSE(parse_endpoint(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace ia
