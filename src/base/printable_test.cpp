#include "base/printable.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

using namespace std::string_literals;

TEST(Printable, LeavesTextOfAnyLanguageAlone) {
  for (const auto* text : {"", "plain \\ text", "größer", "日本語", "🙂", "a\u0301"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, WritesOutWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\x00z"s), "a\\x00z");
  EXPECT_EQ(printable("a\r\n\tb\x7f"), "a\\r\\n\\tb\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m");
}

TEST(Printable, WritesOutWhatCannotBeSeen) {
  EXPECT_EQ(printable("\xef\xbb\xbf"
                      "5"),
            "\\u{feff}5");
  EXPECT_EQ(printable("\u202egnp.exe"), "\\u{202e}gnp.exe");
  EXPECT_EQ(printable("1\u200b2"), "1\\u{200b}2");
}

TEST(Printable, WritesOutBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff\xfe"
                      "1"),
            "\\xff\\xfe1");
  EXPECT_EQ(printable("\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"),
            "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(Printable, KeepsLinesWhereThereAreSeveral) {
  EXPECT_EQ(printable_lines("a\nb\r\n\x1b"), "a\nb\\r\n\\x1b");
}

TEST(Printable, QuotesCannotBeEndedFromWithin) {
  EXPECT_EQ(printable_quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"");
}

TEST(Excerpt, IsShortAndPlain) {
  EXPECT_EQ(excerpt("a\"b\n\xff'"), R"(a\x22b\x0a\xff\x27)");
  EXPECT_EQ(excerpt(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(excerpt(std::string(65, 'x')), std::string(64, 'x') + "...");
  EXPECT_LE(excerpt(std::string(500, '\x01')).size(), 67U);
}

}  // namespace
}  // namespace ia
