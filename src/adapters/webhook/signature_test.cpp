#include "adapters/webhook/signature.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

// The example that the libraries of Standard Webhooks test themselves with.
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kTimestamp = "1614265330";
constexpr std::string_view kBody = R"({"test": 2432232314})";

TEST(WebhookSignature, IsThatOfTheStandard) {
  EXPECT_EQ(webhook_signature(webhook_key(kSecret), kId, kTimestamp, kBody),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, HasAPlainFormToo) {
  EXPECT_EQ(plain_signature(webhook_key(kSecret), kTimestamp, kBody),
            "sha256=e96203c6de850e7dc1fde7489ef6140b402d3a5a64fe250cd2eef9830fac1cef");
}

TEST(WebhookSignature, ReadsKeysWithPadding) {
  EXPECT_EQ(webhook_key("whsec_YQ=="), "a");
  EXPECT_EQ(webhook_key("whsec_YWI="), "ab");
  EXPECT_EQ(webhook_key("whsec_YWJj"), "abc");
}

TEST(WebhookSignature, KnowsNoKeyInOtherTexts) {
  for (const auto* secret : {"", "whsec_", "YWJj", "whsec_YWJ", "whsec_Y*Jj",
                             "whsec_Y===", "whsec_====", "whsec_9======="}) {
    EXPECT_EQ(webhook_key(secret), "") << secret;
  }
}

}  // namespace
}  // namespace ia
