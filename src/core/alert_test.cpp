#include "core/alert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

AlertRule good_rule() {
  return {.name = "a million",
          .influencers = {InfluencerId{7}, InfluencerId{9}},
          .condition = {.level = 1'000'000},
          .target = {.url = "https://example.com/hook", .secret = {}}};
}

std::vector<std::string> wrong_members(const AlertRule& rule) {
  std::vector<std::string> members;
  for (const auto& error : check(rule)) members.emplace_back(error.member);
  return members;
}

TEST(Alert, AcceptsARuleThatIsWhole) { EXPECT_THAT(check(good_rule()), IsEmpty()); }

TEST(Alert, NamesEveryMemberThatIsWrong) {
  AlertRule rule;
  rule.condition.level = -1;
  rule.cool_down = minutes{-1};
  EXPECT_THAT(wrong_members(rule),
              ElementsAre("name", "influencers", "cool_down_minutes", "value", "url"));
}

TEST(Alert, RefusesInfluencersThatAreNotASet) {
  auto rule = good_rule();
  rule.influencers = {InfluencerId{9}, InfluencerId{9}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("influencers"));
  rule.influencers = {InfluencerId{9}, InfluencerId{8}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("influencers"));
  rule.influencers.assign(1'001, InfluencerId{1});
  EXPECT_THAT(wrong_members(rule), ElementsAre("influencers"));
}

TEST(Alert, RefusesConditionsThatCanNeverFireOrSayTwoThings) {
  auto rule = good_rule();
  rule.condition = {.kind = AlertKind::kRelative, .window = minutes{5}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("percent"));
  rule.condition = {.kind = AlertKind::kRelative, .level = 5, .window = minutes{1'441}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("window_minutes"));
  rule.condition = {.kind = AlertKind::kMilestone, .level = 5, .milestones = {1}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("every"));
  rule.condition = {.kind = AlertKind::kMilestone, .milestones = {2, 1}};
  EXPECT_THAT(wrong_members(rule), ElementsAre("values"));
  rule.condition = {.kind = AlertKind::kThreshold, .direction = AlertDirection::kEither};
  EXPECT_THAT(wrong_members(rule), ElementsAre("direction"));
  rule.condition = {.kind = AlertKind::kRank};
  EXPECT_THAT(wrong_members(rule), ElementsAre("rank"));
}

TEST(Alert, RefusesAHysteresisThatNoCountCanComeBackBy) {
  auto rule = good_rule();
  rule.condition = {.level = 100, .hysteresis = 100};
  EXPECT_THAT(check(rule), IsEmpty()) << "a count of 0 is possible";
  rule.condition.hysteresis = 101;
  ASSERT_THAT(wrong_members(rule), ElementsAre("hysteresis"));
  EXPECT_THAT(check(rule)[0].detail, ::testing::HasSubstr("at most 100: the count would have to"));
  rule.condition = {.direction = AlertDirection::kDown, .level = kCountMax - 5, .hysteresis = 5};
  EXPECT_THAT(check(rule), IsEmpty());
  rule.condition.hysteresis = 6;
  ASSERT_THAT(wrong_members(rule), ElementsAre("hysteresis"));
  EXPECT_THAT(check(rule)[0].detail, ::testing::HasSubstr("at most 5: no count rises that far"));
}

TEST(Alert, TakesUrlsWithTheSchemeInAnyCase) {
  for (const auto* url : {"http://a", "HTTP://a/", "hTTps://A.example?x"}) {
    auto rule = good_rule();
    rule.target.url = url;
    EXPECT_THAT(wrong_members(rule), ::testing::IsEmpty()) << url;
  }
}

TEST(Alert, RefusesUrlsThatAreNotPlainHttp) {
  for (const auto* url : {"", "ftp://example.com/", "file:///etc/passwd", "http://", "https:///x",
                          "http://user:pass@example.com/", "http://a\\b/", "http://a b/",
                          "http://a/\r\nX: y", "HTTPX://a/", "http:a//b"}) {
    auto rule = good_rule();
    rule.target.url = url;
    EXPECT_THAT(wrong_members(rule), ElementsAre("url")) << url;
  }
}

TEST(Alert, RefusesPortsAndHostsThatCannotBe) {
  for (const auto* authority : {"a:0", "a:99999", "a:65536", "a:", "a:http", "a:-1", "a:80:90",
                                ":80", "::1", "[]", "[]:80", "[::1", "[::1]80", "[::1]:0"}) {
    auto rule = good_rule();
    rule.target.url = std::string("https://") + authority + "/hook";
    EXPECT_THAT(wrong_members(rule), ElementsAre("url")) << authority;
  }
  for (const auto* authority :
       {"a", "a:1", "a:65535", "[2606:4700::1111]", "[2606:4700::1111]:443"}) {
    auto rule = good_rule();
    rule.target.url = std::string("https://") + authority + "?x=1";
    EXPECT_THAT(wrong_members(rule), ElementsAre()) << authority;
  }
}

TEST(Alert, RefusesSecretsThatAreTooShortOrNotBase64) {
  auto rule = good_rule();
  for (const auto* secret : {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_",
                             "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
                             "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwx"}) {
    rule.target.secret = secret;
    EXPECT_THAT(wrong_members(rule), ElementsAre("secret")) << secret;
  }
  rule.target.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  EXPECT_THAT(check(rule), IsEmpty());
}

TEST(Alert, ShowsOfATargetOnlyWhereItIs) {
  EXPECT_EQ(shown_target("https://example.com:8443/services/T0/secret?key=1"),
            "https://example.com:8443");
  EXPECT_EQ(shown_target("http://[2001:db8::1]/x"), "http://[2001:db8::1]");
  EXPECT_EQ(shown_target("http://a?b"), "http://a");
}

TEST(Alert, SaysWhatHappened) {
  AlertEvent event{.influencer = InfluencerId{100},
                   .username = "Anna",
                   .counts = {.followers = 1'000'123, .following = 50},
                   .rank = 12,
                   .level = 1'000'000};
  EXPECT_EQ(sentence_of({}, event), "Anna (100) rose above 1,000,000 followers: 1,000,123");
  EXPECT_EQ(sentence_of({.kind = AlertKind::kMilestone}, event),
            "Anna (100) reached 1,000,000 followers: 1,000,123");
  event.username.clear();
  event.direction = AlertDirection::kDown;
  event.level = 10;
  EXPECT_EQ(sentence_of({.kind = AlertKind::kRank}, event),
            "Influencer 100 left the top 10: rank 12");
  event.level = 80;
  EXPECT_EQ(sentence_of({.kind = AlertKind::kRelative, .metric = AlertMetric::kFollowing}, event),
            "Influencer 100 lost 30 following (37.50 %): 80 to 50");
}

TEST(Alert, ReadsTheWordsThatItWrites) {
  for (const auto kind : {AlertKind::kThreshold, AlertKind::kRelative, AlertKind::kMilestone,
                          AlertKind::kRank, AlertKind::kVerdict}) {
    EXPECT_EQ(parse_alert_kind(name_of(kind)), kind);
    for (const auto way : {AlertDirection::kUp, AlertDirection::kDown, AlertDirection::kEither}) {
      const auto word = direction_word(kind, way);
      if (word.empty()) continue;
      EXPECT_EQ(parse_alert_direction(kind, word), way);
    }
  }
  EXPECT_EQ(parse_alert_kind(""), std::nullopt);
  EXPECT_EQ(parse_alert_direction(AlertKind::kMilestone, ""), std::nullopt);
  EXPECT_EQ(parse_alert_metric("ratio"), std::nullopt);
}

}  // namespace
}  // namespace ia
