#include "http/target.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

TEST(Target, IsCutIntoPathAndQuery) {
  EXPECT_EQ(split_target("/a/b?x=1?2")->path, "/a/b");
  EXPECT_EQ(split_target("/a/b?x=1?2")->query, "x=1?2");
  EXPECT_EQ(split_target("/")->query, "");
  EXPECT_EQ(split_target("http://host:80/a?b")->path, "/a");
  EXPECT_EQ(split_target("http://host")->path, "/");
  EXPECT_EQ(split_target("HTTP://host/a")->path, "/a");
  EXPECT_EQ(split_target("hTTps://host/a?b")->query, "b");
  EXPECT_EQ(split_target("http://host?a=/b")->path, "/");
  EXPECT_EQ(split_target("http://host?a=/b")->query, "a=/b");
}

TEST(Target, MayNameItsHost) {
  EXPECT_EQ(authority_of("http://host:80/a"), "host:80");
  EXPECT_EQ(authority_of("HTTP://[::1]?a"), "[::1]");
  EXPECT_EQ(authority_of("https://"), "");
  EXPECT_EQ(authority_of("/http://host/"), std::nullopt);
  EXPECT_EQ(authority_of("ftp://host/"), std::nullopt);
}

TEST(Target, IsRefusedInOtherForms) {
  for (const auto* text : {"", "*", "a", "host:80", "/a#b", "http://host#b", "ftp://host/"}) {
    EXPECT_FALSE(split_target(text).has_value()) << text;
  }
}

TEST(Escapes, MakeAPlusSignABlankInAQueryOnly) {
  EXPECT_EQ(unescape_query("a+b%2Bc").value(), "a b+c");
  EXPECT_FALSE(unescape_query("+%").has_value());
}

TEST(Escapes, AreResolvedAndThePlusSignStaysInAPath) {
  EXPECT_EQ(unescape("a%2Fb%2b+c%00").value(), std::string("a/b++c\0", 7));
  for (const auto* text : {"%", "%2", "a%zz", "%%20"}) {
    EXPECT_FALSE(unescape(text).has_value()) << text;
  }
}

TEST(Query, IsCutPieceByPiece) {
  std::string_view query = "a=1&b&=x";
  EXPECT_EQ(next_piece(query).value, "1");
  EXPECT_EQ(next_piece(query).name, "b");
  EXPECT_EQ(next_piece(query).value, "x");
  EXPECT_TRUE(query.empty());
}


}  // namespace
}  // namespace ia
