#include "api/page/badge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};

std::string drawn(std::string_view name, std::int64_t followers = 0,
                  std::optional<std::int64_t> day_change = std::nullopt) {
  return draw_badge(
      {.name = name,
       .value = Badge::Value{.followers = followers, .day_change = day_change, .as_of = kTime}});
}

// What stands between two texts.
std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const auto begin = text.find(before) + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}
std::string title(const std::string& svg) { return between(svg, "<title>", "</title>"); }
std::string name_shown(const std::string& svg) {
  return between(between(svg, "class=\"name\"", "/text>"), ">", "<");
}
int width(const std::string& svg) { return std::stoi(between(svg, " width=\"", "\"")); }

TEST(Badge, SaysAllOfItInWords) {
  EXPECT_EQ(title(drawn("Anna", 1'234'567, 1'000)),
            "Anna: 1,234,567 followers, +1,000 in 24 h, as of 2026-01-02T00:00:00Z");
  EXPECT_EQ(title(drawn("Anna", 999, -12)),
            "Anna: 999 followers, \u221212 in 24 h, as of 2026-01-02T00:00:00Z");
  EXPECT_EQ(title(drawn("Anna", 999, 0)),
            "Anna: 999 followers, unchanged in 24 h, as of 2026-01-02T00:00:00Z");
}

TEST(Badge, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(title(drawn("Anna", 0)), "Anna: 0 followers, as of 2026-01-02T00:00:00Z");
  EXPECT_EQ(title(draw_badge({.name = "Anna", .value = std::nullopt})), "Anna: no value yet");
}

TEST(Badge, TellsUpFromDownByMoreThanItsColour) {
  EXPECT_THAT(drawn("Anna", 5, 3), AllOf(HasSubstr("class=\"up\""), HasSubstr(">+3 in")));
  EXPECT_THAT(drawn("Anna", 5, -3), AllOf(HasSubstr("class=\"down\""), HasSubstr(">\u22123 in")));
}

TEST(Badge, LetsNoNameBecomeMarkup) {
  const auto svg = drawn("<script>&\"'");
  EXPECT_EQ(name_shown(svg), "&lt;script&gt;&amp;\"'");
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
}

TEST(Badge, ShowsWhatXmlCannotSayAsReplacementCharacters) {
  EXPECT_EQ(name_shown(drawn("a\x01\nb")), "a\ufffd\ufffdb");
  EXPECT_EQ(name_shown(drawn("\xff"
                             "a\xc3")),
            "\ufffda\ufffd");
  EXPECT_EQ(name_shown(drawn("\xef\xbf\xbf")), "\ufffd");
}

TEST(Badge, CutsLongNamesAfter24Characters) {
  EXPECT_EQ(name_shown(drawn(std::string(24, 'n'))), std::string(24, 'n'));
  EXPECT_EQ(name_shown(drawn(std::string(25, 'n'))), std::string(23, 'n') + "\u2026");
}

TEST(Badge, IsAsWideAsItsText) {
  EXPECT_EQ(width(drawn("Anna")) - width(drawn("Ann")), 7);
  EXPECT_EQ(width(drawn("名名")) - width(drawn("名")), 12);
  EXPECT_GT(width(drawn("Anna", 1, 2)), width(drawn("Anna", 1)));
}

class ServedBadge : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{25 * 60});
    world.watch({{InfluencerId{100}, InfluencerId{109}}});
    now = world.now_minute();
    world.serve();
    ASSERT_EQ(world.error, "");
  }
  void add(minutes ago, std::int64_t followers) {
    world.add(now - ago, {{100, followers, 1}}, {{InfluencerId{100}, "Anna"}});
  }
  std::string served(const std::string& id = "100") {
    return title(world.get("/api/v1/influencers/" + id + "/badge.svg").body);
  }

  TestWorld world;
  Minute now;
};

TEST_F(ServedBadge, MeasuresTheDayBeforeTheLatestValue) {
  add(minutes{24 * 60 + 14}, 1);
  add(minutes{24 * 60 + 13}, 400);
  add(minutes{24 * 60 + 2}, 700);
  add(minutes{3}, 500);
  EXPECT_EQ(served(), "Anna: 500 followers, +100 in 24 h, as of 2026-01-02T00:57:20Z");
}

TEST_F(ServedBadge, SaysNothingOfADayThatItDoesNotKnow) {
  add(minutes{24 * 60 + 14}, 1);
  add(minutes{24 * 60 + 2}, 700);
  add(minutes{3}, 500);
  EXPECT_EQ(served(), "Anna: 500 followers, as of 2026-01-02T00:57:20Z");
}

TEST_F(ServedBadge, HasNoChangeWhileTheStoreIsDown) {
  add(minutes{24 * 60}, 400);
  add(minutes{0}, 500);
  world.store.set_down(true);
  EXPECT_EQ(served(), "Anna: 500 followers, as of 2026-01-02T01:00:20Z");
}

TEST_F(ServedBadge, NamesWhoHasNoValueYetByNumber) {
  EXPECT_EQ(served("109"), "109: no value yet");
}

TEST_F(ServedBadge, IsAPictureThatMayBeKeptForAMinute) {
  const auto reply = world.get("/api/v1/influencers/109/badge.svg");
  EXPECT_EQ(reply.header("content-type"), "image/svg+xml");
  EXPECT_EQ(reply.header("cache-control"), "public, max-age=60");
  EXPECT_THAT(reply.header("content-security-policy"),
              AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("script-src"))));
}

}  // namespace
}  // namespace ia
