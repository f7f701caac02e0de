#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/point.h"

namespace ia {

// Numbers of rules are never used twice.
enum class AlertRuleId : std::uint64_t {};
constexpr std::uint64_t number_of(AlertRuleId id) { return std::to_underlying(id); }

enum class AlertKind : std::uint8_t { kThreshold, kRelative, kMilestone, kRank, kVerdict };
inline constexpr std::array kAlertKinds = {AlertKind::kThreshold, AlertKind::kRelative,
                                           AlertKind::kMilestone, AlertKind::kRank,
                                           AlertKind::kVerdict};
enum class AlertMetric : std::uint8_t { kFollowers, kFollowing };
// What each means for a kind: direction_word.
enum class AlertDirection : std::uint8_t { kUp, kDown, kEither };

// When a rule fires. Always on a change: what is so already when the rule is made does not fire.
struct AlertCondition {
  AlertKind kind = AlertKind::kThreshold;
  AlertMetric metric = AlertMetric::kFollowers;    // threshold, relative
  AlertDirection direction = AlertDirection::kUp;  // all but milestone
  // threshold: fires when the count comes above (below) it.
  // relative: the least change in counts; 0: none given.
  // milestone: each multiple of it, by followers; 0: those in `milestones`.
  // rank: fires when the rank comes to be at most it (enters), or no longer (leaves).
  std::int64_t level = 0;
  // threshold: it fires again only after the count was back by so much: at most level - hysteresis
  // (at least level + hysteresis).
  std::int64_t hysteresis = 0;
  std::int64_t basis_points = 0;           // relative: the least change, in 1/100 %; 0: none given
  std::chrono::minutes window{};           // relative
  std::vector<std::int64_t> milestones{};  // ascending
  friend bool operator==(const AlertCondition&, const AlertCondition&) = default;
};

// Where the webhook goes. Both may be secrets: neither is ever shown, see shown_target.
struct AlertTarget {
  std::string url;
  std::string secret;  // "whsec_" and base64; empty: not signed
  friend bool operator==(const AlertTarget&, const AlertTarget&) = default;
};

struct AlertRule {
  AlertRuleId id{};
  std::uint64_t version = 0;  // grows with each change of the rule
  std::string name{};
  bool enabled = true;
  std::vector<InfluencerId> influencers{};  // ascending, each once
  AlertCondition condition{};
  std::chrono::minutes cool_down{};  // for one influencer, from one alert to the next
  AlertTarget target{};
  WallTime created_at{};
  WallTime updated_at{};
  friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

// What one rule found of one influencer.
struct AlertEvent {
  AlertRuleId rule{};
  std::uint64_t version = 0;  // of the rule
  InfluencerId influencer{};
  std::string username{};  // empty when unknown
  WallTime at{};           // rank, verdict: of the leaderboard; else of the value
  Counts counts{};
  std::uint32_t rank = 0;
  AlertDirection direction = AlertDirection::kUp;  // the way it went: up or down
  // threshold: the value crossed; relative: the count at the window's begin; milestone: the highest
  // one passed; rank: the rule's.
  std::int64_t level = 0;
  Minute since{};  // relative: of the window's begin
  // relative: `level` is of another minute than it would be, as stored values are damaged.
  bool is_damaged = false;
};

inline constexpr std::size_t kAlertRulesMax = 1'000;
inline constexpr std::size_t kAlertInfluencersMax = 1'000;  // of one rule
inline constexpr std::size_t kAlertPairsMax = 50'000;       // (rule, influencer), of all rules
inline constexpr std::size_t kAlertMilestonesMax = 100;
inline constexpr std::int64_t kAlertNameCharactersMax = 100;
inline constexpr std::size_t kAlertUrlBytesMax = 2'000;
inline constexpr std::chrono::minutes kAlertWindowMax{1'440};
inline constexpr std::chrono::minutes kAlertCoolDownMax{7 * 1'440};

std::string_view name_of(AlertKind kind);
std::string_view name_of(AlertMetric metric);
std::int64_t count_of(AlertMetric metric, Counts counts);
// "above", "rise", "enters", "suspicious" ...; empty where the kind knows no such direction.
std::string_view direction_word(AlertKind kind, AlertDirection direction);
std::optional<AlertKind> parse_alert_kind(std::string_view name);
std::optional<AlertMetric> parse_alert_metric(std::string_view name);
std::optional<AlertDirection> parse_alert_direction(AlertKind kind, std::string_view word);
// What a condition is and measures, by those names. False when one of them is unknown.
bool set_words(AlertCondition& condition, std::string_view kind, std::string_view metric,
               std::string_view direction);

// The URL's scheme, host and port, "https://example.com:8443": the rest may be a secret.
std::string shown_target(std::string_view url);

// What happened, for people: "Anna (100) rose above 1,000,000 followers: 1,000,123".
std::string sentence_of(const AlertCondition& condition, const AlertEvent& event);

// A member of a rule, by its name in the API, and what is wrong with it: half a sentence that says
// what is allowed.
struct AlertRuleError {
  std::string_view member;
  std::string detail;
};
// Everything that is wrong with a rule. Nothing: it can be stored and evaluated.
std::vector<AlertRuleError> check(const AlertRule& rule);

}  // namespace ia
