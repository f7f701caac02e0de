#include "api/target.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

TEST(Target, IsCutIntoPathAndQuery) {
  EXPECT_EQ(split_target("/a/b?x=1?2")->path, "/a/b");
  EXPECT_EQ(split_target("/a/b?x=1?2")->query, "x=1?2");
  EXPECT_EQ(split_target("/")->query, "");
  EXPECT_EQ(split_target("http://host:80/a?b")->path, "/a");
  EXPECT_EQ(split_target("http://host")->path, "/");
}

TEST(Target, IsRefusedInOtherForms) {
  for (const auto* text : {"", "*", "a", "host:80", "/a#b"}) {
    EXPECT_FALSE(split_target(text).has_value()) << text;
  }
}

TEST(Escapes, AreResolvedAndThePlusSignStays) {
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

// What a client sent must not be able to forge anything where it is shown.
TEST(Excerpt, IsShortAndPlain) {
  EXPECT_EQ(excerpt("a\"b\n\xff'"), R"(a\x22b\x0a\xff\x27)");
  EXPECT_EQ(excerpt(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(excerpt(std::string(65, 'x')), std::string(64, 'x') + "...");
  EXPECT_LE(excerpt(std::string(500, '\x01')).size(), 67U);
}

}  // namespace
}  // namespace ia
