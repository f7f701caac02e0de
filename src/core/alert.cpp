#include "core/alert.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/grouped.h"
#include "base/http_head.h"
#include "base/ip_address.h"
#include "base/time_text.h"

namespace ia {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"threshold", "relative", "milestone", "rank",
                                                    "verdict"};
constexpr std::array<std::string_view, 2> kMetrics = {"followers", "following"};
using Words = std::array<std::string_view, 3>;  // up, down, either
constexpr std::array<Words, 5> kDirections = {{{"above", "below", ""},
                                               {"rise", "fall", "either"},
                                               {"up", "", ""},
                                               {"enters", "leaves", "passes"},
                                               {"suspicious", "clear", "either"}}};

template <class Choice>
std::optional<Choice> find_word(std::span<const std::string_view> words, std::string_view word) {
  if (word.empty()) return std::nullopt;
  const auto found = std::ranges::find(words, word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Choice>(found - words.begin());
}

std::string hundredths(double value) {
  const auto rounded = static_cast<std::int64_t>(value * 100 + 0.5);
  const auto rest = rounded % 100;
  return grouped(rounded / 100) + (rest < 10 ? ".0" : ".") + std::to_string(rest);
}

std::string name_in(const AlertEvent& event) {
  const auto number = std::to_string(number_of(event.influencer));
  return event.username.empty() ? "Influencer " + number : event.username + " (" + number + ")";
}

std::string change_sentence(const AlertEvent& event, const std::string& metric, std::int64_t now) {
  const auto change = now - event.level;
  const auto size = std::abs(change);
  std::string text = change < 0 ? " lost " : " gained ";
  text += grouped(size) + " " + metric;
  if (event.level > 0) {
    const auto percent = 100.0 * static_cast<double>(size) / static_cast<double>(event.level);
    text += " (" + hundredths(percent) + " %)";
  }
  text += ": " + grouped(event.level) + " to " + grouped(now);
  if (event.is_damaged) {
    text += ", since " + timestamp_text(event.since) +
            " as values around the beginning are damaged";
  }
  return text;
}

// HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT.
bool has_host_and_port(std::string_view authority) {
  const bool has_brackets = authority.starts_with('[');
  const auto end = authority.find(has_brackets ? ']' : ':');
  if (end == 0 || (has_brackets && (end == authority.npos || end < 2))) return false;
  if (end == authority.npos) return true;
  const auto rest = authority.substr(has_brackets ? end + 1 : end);
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

class Check {
 public:
  explicit Check(const AlertRule& rule) : rule_(rule), condition_(rule.condition) {}

  std::vector<AlertRuleError> run() {
    check_name();
    check_influencers();
    check_range("cool_down_minutes", rule_.cool_down.count(), 0, kAlertCoolDownMax.count());
    check_condition();
    check_url();
    check_secret();
    return std::move(errors_);
  }

 private:
  void reject(std::string_view member, std::string detail) {
    errors_.push_back({member, std::move(detail)});
  }
  void check_range(std::string_view member, std::int64_t value, std::int64_t least,
                   std::int64_t most) {
    if (least <= value && value <= most) return;
    reject(member,
           "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }

  void check_name() {
    const bool is_clean = std::ranges::none_of(
        rule_.name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    const auto characters = std::ranges::count_if(  // of UTF-8, by their first byte
        rule_.name, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    if (rule_.name.empty() || characters > kAlertNameCharactersMax || !is_clean) {
      reject("name", "is needed: 1 to 100 characters, none of them a control character");
    }
  }

  void check_influencers() {
    const auto& ids = rule_.influencers;
    const bool in_range =
        std::ranges::all_of(ids, [](InfluencerId id) { return number_of(id) <= kInfluencerIdMax; });
    if (ids.empty() || ids.size() > kAlertInfluencersMax || !in_range) {
      reject("influencers", "are needed: 1 to 1000 ids from 0 to 2^63 - 1");
    } else if (!std::ranges::is_sorted(ids, std::ranges::less_equal{}) ||
               std::ranges::adjacent_find(ids) != ids.end()) {
      reject("influencers", "must be ascending, each once");
    }
  }

  void check_condition() {
    if (direction_word(condition_.kind, condition_.direction).empty()) {
      reject("direction", "is not one that this kind knows");
    }
    switch (condition_.kind) {
      case AlertKind::kThreshold:
        return check_threshold();
      case AlertKind::kRelative:
        return check_relative();
      case AlertKind::kMilestone:
        return check_milestone();
      case AlertKind::kRank:
        return check_range("rank", condition_.level, 1, 50'000'000);
      case AlertKind::kVerdict:
        return;
    }
  }

  // A count goes from 0 to kCountMax: a way back beyond that is never gone.
  void check_threshold() {
    check_range("value", condition_.level, 0, kCountMax);
    check_range("hysteresis", condition_.hysteresis, 0, kCountMax);
    if (!errors_.empty()) return;
    const bool is_up = condition_.direction == AlertDirection::kUp;
    const auto most = is_up ? condition_.level : kCountMax - condition_.level;
    if (condition_.hysteresis <= most) return;
    reject("hysteresis", "must be at most " + std::to_string(most) +
                             (is_up ? ": the count would have to fall below 0 before it fires again"
                                    : ": no count rises that far before it fires again"));
  }

  void check_relative() {
    check_range("window_minutes", condition_.window.count(), 1, kAlertWindowMax.count());
    check_range("count", condition_.level, 0, kCountMax);
    if (condition_.basis_points < 0 || condition_.basis_points > 100'000'000) {
      reject("percent", "must be a number from 0.01 to 1000000");
    }
    if (condition_.level == 0 && condition_.basis_points == 0) {
      reject("percent", "or count is needed, and more than 0");
    }
  }

  void check_milestone() {
    const auto& list = condition_.milestones;
    if (list.empty()) return check_range("every", condition_.level, 1, kCountMax);
    if (condition_.level != 0) reject("every", "and values exclude each other: give one");
    const bool ascends =
        std::ranges::is_sorted(list) && std::ranges::adjacent_find(list) == list.end();
    if (list.size() > kAlertMilestonesMax || !ascends || list.front() < 1 ||
        list.back() > kCountMax) {
      reject("values", "must be 1 to 100 different counts from 1 to 2^53 - 1, ascending");
    }
  }

  void check_url() {
    const std::string_view url = rule_.target.url;
    const auto scheme = url.substr(0, std::min(url.find("//"), url.size()));
    const bool is_http = http1::equals(scheme, "http:") || http1::equals(scheme, "https:");
    const bool is_printable = std::ranges::all_of(url, [](char c) { return '!' <= c && c <= '~'; });
    const auto rest = is_http ? url.substr(url.find("//") + 2) : std::string_view{};
    const auto authority = rest.substr(0, rest.find_first_of("/?#"));
    if (!is_http || !is_printable || authority.empty() || url.size() > kAlertUrlBytesMax) {
      reject("url",
             "is needed: http:// or https:// and a host, at most 2000 printable ASCII bytes");
    } else if (authority.find_first_of("@\\") != std::string_view::npos) {
      reject("url", "must not hold a user or a password: use a secret");
    } else if (!has_host_and_port(authority)) {
      reject("url",
             "needs a host, an IPv6 address in brackets, and no port or one from 1 to 65535");
    }
  }

  void check_secret() {
    constexpr std::string_view kPrefix = "whsec_";
    constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string_view secret = rule_.target.secret;
    if (secret.empty()) return;
    const bool has_prefix = secret.starts_with(kPrefix);
    if (has_prefix) secret.remove_prefix(kPrefix.size());
    const bool is_whole = secret.size() % 4 == 0;
    for (int i = 0; i < 2 && secret.ends_with('='); ++i) secret.remove_suffix(1);
    const auto bytes = secret.size() * 3 / 4;
    if (!has_prefix || !is_whole || bytes < 24 || bytes > 64 ||
        secret.find_first_not_of(kBase64) != std::string_view::npos) {
      reject("secret", "must be whsec_ and the base64 of 24 to 64 bytes");
    }
  }

  const AlertRule& rule_;
  const AlertCondition& condition_;
  std::vector<AlertRuleError> errors_;
};

}  // namespace

std::string_view name_of(AlertKind kind) { return kKinds[std::to_underlying(kind)]; }
std::string_view name_of(AlertMetric metric) { return kMetrics[std::to_underlying(metric)]; }
std::string_view direction_word(AlertKind kind, AlertDirection direction) {
  return kDirections[std::to_underlying(kind)][std::to_underlying(direction)];
}

std::int64_t count_of(AlertMetric metric, Counts counts) {
  return metric == AlertMetric::kFollowers ? counts.followers : counts.following;
}

std::optional<AlertKind> parse_alert_kind(std::string_view name) {
  return find_word<AlertKind>(kKinds, name);
}
std::optional<AlertMetric> parse_alert_metric(std::string_view name) {
  return find_word<AlertMetric>(kMetrics, name);
}
std::optional<AlertDirection> parse_alert_direction(AlertKind kind, std::string_view word) {
  return find_word<AlertDirection>(kDirections[std::to_underlying(kind)], word);
}

bool set_words(AlertCondition& condition, std::string_view kind, std::string_view metric,
               std::string_view direction) {
  const auto known_kind = parse_alert_kind(kind);
  const auto known_metric = parse_alert_metric(metric);
  if (!known_kind || !known_metric) return false;
  const auto known_direction = parse_alert_direction(*known_kind, direction);
  if (!known_direction) return false;
  condition.kind = *known_kind;
  condition.metric = *known_metric;
  condition.direction = *known_direction;
  return true;
}

std::string shown_target(std::string_view url) {
  const auto scheme_end = url.find("//");
  const auto authority = scheme_end == std::string_view::npos ? 0 : scheme_end + 2;
  return std::string(url.substr(0, url.find_first_of("/?#", authority)));
}

std::string sentence_of(const AlertCondition& condition, const AlertEvent& event) {
  const std::string metric(name_of(condition.metric));
  const bool rose = event.direction == AlertDirection::kUp;
  const auto now = count_of(condition.metric, event.counts);
  const auto level = grouped(event.level);
  switch (condition.kind) {
    case AlertKind::kThreshold:
      return name_in(event) + (rose ? " rose above " : " fell below ") + level + " " + metric +
             ": " + grouped(now);
    case AlertKind::kRelative:
      return name_in(event) + change_sentence(event, metric, now);
    case AlertKind::kMilestone:
      return name_in(event) + " reached " + level +
             " followers: " + grouped(event.counts.followers);
    case AlertKind::kRank:
      return name_in(event) + (rose ? " entered the top " : " left the top ") + level + ": rank " +
             grouped(event.rank);
    case AlertKind::kVerdict:
      return name_in(event) + (rose ? " is now suspicious" : " is no longer suspicious");
  }
  return name_in(event);
}

std::vector<AlertRuleError> check(const AlertRule& rule) { return Check(rule).run(); }

}  // namespace ia
