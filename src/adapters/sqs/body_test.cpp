#include "adapters/sqs/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ia {
namespace {

using ::testing::StartsWith;

TEST(SqsBody, LeavesReadableTextAsItIs) {
  for (const auto* text : {"{\"influencer_id\": 7}", "tab\tand\r\nlines", "\xc3\xa4\xe2\x82\xac",
                           " ", "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd"}) {
    EXPECT_EQ(sqs_encode_body(text), text);
    EXPECT_EQ(sqs_decode_body(text), text);
  }
}

TEST(SqsBody, EncodesWhatSqsDoesNotTake) {
  EXPECT_EQ(sqs_encode_body(""), "base64:");
  EXPECT_EQ(sqs_encode_body(std::string_view("\0\xff\n", 3)), "base64:AP8K");
  EXPECT_EQ(sqs_encode_body("a\x01"), "base64:YQE=");
  EXPECT_EQ(sqs_encode_body("\xff"), "base64:/w==");
  for (const auto* text : {"\xc0\x80", "\xed\xa0\x80", "\xef\xbf\xbe", "\xf0\x9f\x98\x80",
                           "\xe2\x82", "\xe0\x80\x80", "a\x7f\x1f"}) {
    EXPECT_THAT(sqs_encode_body(text), StartsWith("base64:")) << text;
  }
}

TEST(SqsBody, PassesTextThroughThatOnlyLooksEncoded) {
  EXPECT_EQ(sqs_decode_body(sqs_encode_body("base64:YQ==")), "base64:YQ==");
  for (const auto* text : {"base64:Y", "base64:Y===", "base64:YQ=a", "base64:=", "base64:Y Q=",
                           "base64:YQ\n=", "base64:====", "base64:YQ== "}) {
    EXPECT_EQ(sqs_decode_body(text), text);
  }
}

TEST(SqsBody, ReturnsAnyBytesAsTheyWere) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string body(size, '\0');
    for (auto& c : body) c = static_cast<char>(random());
    const auto text = sqs_encode_body(body);
    EXPECT_TRUE(is_sqs_text(text));
    EXPECT_EQ(sqs_decode_body(text), body);
  }
}

TEST(SqsCleanText, KeepsWhatPeopleCanRead) {
  EXPECT_EQ(sqs_clean_text("plain \xc3\xa4", 100), "plain \xc3\xa4");
  EXPECT_EQ(sqs_clean_text(std::string_view("a\0b\xff", 4), 100), "a?b?");
  EXPECT_EQ(sqs_clean_text("\xc3\xa4\xc3\xa4", 3), "\xc3\xa4") << "no half characters";
  EXPECT_EQ(sqs_clean_text("", 100), "?");
}

}  // namespace
}  // namespace ia
