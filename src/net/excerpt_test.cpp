#include "net/excerpt.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ia {
namespace {

TEST(Excerpt, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(excerpt("a\r\n\tb", 100), "a\\r\\n\\tb");
  EXPECT_EQ(excerpt("\x1b[2J\x7f\x9b\xc3\xa4", 100), "\\x1b[2J\\x7f\\x9b\\xc3\\xa4");
  EXPECT_EQ(excerpt(std::string_view("\0x", 2), 100), "\\x00x");
  for (int byte = 0; byte < 256; ++byte) {
    const auto shown = excerpt(std::string(3, static_cast<char>(byte)), 100);
    EXPECT_TRUE(std::ranges::all_of(shown, [](char c) { return c >= ' ' && c <= '~'; })) << byte;
  }
}

TEST(Excerpt, IsBounded) {
  EXPECT_EQ(excerpt("abcdef", 6), "abcdef");
  EXPECT_EQ(excerpt("abcdefg", 6), "abcdef...");
  EXPECT_EQ(excerpt(std::string(100'000, 'y'), 4), "yyyy...");
  EXPECT_EQ(excerpt("", 6), "");
}

TEST(Excerpt, ShowsNoSecret) {
  const auto secrets = {
      R"({"token":"hunter2 ","a":1})",
      R"({"access_token": "hunter2"})",
      R"({\"token\":\"hunter2\"})",
      "?api_key=hunter2&b=1",
      "?token=hunter2",
      "Authorization: Basic hunter2==\r\nX: y",
      "authorization=Bearer hunter2",
      R"("Authorization":"Custom a=1, b=hunter2")",
      "Set-Cookie: sid=1; other=hunter2\r\n",
      "PASSWORD : hunter2",
      "Bearer hunter2",
      "<secret>hunter2</secret>",
      "sessionid=hunter2",
      "X-Api-Key: hunter2",
      "Proxy-Authorization: Basic hunter2",
  };
  for (const std::string text : secrets) {
    const auto shown = excerpt(text, 100);
    EXPECT_EQ(shown.find("hunter2"), std::string::npos) << shown;
    EXPECT_NE(shown.find("***"), std::string::npos) << shown;
  }
}

TEST(Excerpt, ShowsNoLongRunOfRandomCharacters) {
  const std::string key = "eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0NTY3ODkwIn0";
  EXPECT_EQ(excerpt("see " + key + " here", 100), "see *** here");
  for (std::size_t most = 1; most < 80; ++most) {
    const auto shown = excerpt("see " + key + "/" + key + " here", most);
    EXPECT_EQ(shown.find("eyJ"), std::string::npos) << most << " " << shown;
  }
  const std::string far = std::string(250, '.') + key;
  EXPECT_EQ(excerpt("token=" + std::string(200, 'a') + far, 60).find("eyJ"), std::string::npos);
}

TEST(Excerpt, LeavesOrdinaryTextAlone) {
  for (const std::string text :
       {"<!doctype html><html><body>Please log in</body></html>", R"({"error":"invalid token"})",
        "<html xmlns=\"http://www.w3.org/1999/xhtml\">", "sessions are full",
        R"({"pk":1,"b":-2})"}) {
    EXPECT_EQ(excerpt(text, 100), text);
  }
}

}  // namespace
}  // namespace ia
