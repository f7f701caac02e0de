#include "core/signal_evidence.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/grouped.h"
#include "base/time_text.h"

namespace ia {
namespace {

using std::chrono::minutes;

std::string signed_and_grouped(std::int64_t number) {
  return (number > 0 ? "+" : "") + grouped(number);
}

std::string time_of(Minute minute) {
  return date_text(minute) + " " + hour_minute_text(minute) + " UTC";
}

// "one minute", "3 minutes", "2 h", "3 h 38 min".
std::string length_of(minutes length) {
  if (length == minutes{1}) return "one minute";
  if (length < minutes{120}) return fmt::format("{} minutes", length.count());
  const auto hours = std::chrono::floor<std::chrono::hours>(length);
  const auto rest = (length - hours).count();
  return rest == 0 ? fmt::format("{} h", hours.count())
                   : fmt::format("{} h {} min", hours.count(), rest);
}

// Two digits at least, none behind the point that nobody needs.
std::string times_usual(double score) {
  const auto size = std::abs(score);
  if (size < 10) return fmt::format("{:.1f}", size);
  return grouped(std::llround(size));
}

}  // namespace

std::string change_evidence(const ChangeEvidence& change) {
  const auto length = change.end - change.begin;
  const bool is_one = length == minutes{1};
  return fmt::format("{} followers in {} {} {}: {}{} x its usual change",
                     signed_and_grouped(change.size), length_of(length), is_one ? "at" : "up to",
                     time_of(change.end), is_one ? "" : "up to ", times_usual(change.score));
}

std::string jump_evidence(const ChangeEvidence& change, std::optional<bool> stays, minutes hold) {
  const auto text = change_evidence(change);
  if (!stays) return text + "; it is too early to say whether the level stays";
  if (*stays) return text + ", and the level stayed";
  return text + ", and the level went back within " + length_of(hold);
}

std::string surge_evidence(const ChangeEvidence& change) {
  return change_evidence(change) + ", at a changing pace, as when a post spreads";
}

std::string drip_evidence(const ChangeEvidence& change) {
  return change_evidence(change) + ", at an even pace, as when followers are delivered";
}

std::string saw_tooth_evidence(const SawToothEvidence& saw_tooth) {
  return fmt::format(
      "{} runs of mass follow and mass unfollow in turn, of {} to {} accounts each, from {} to {}",
      saw_tooth.runs, grouped(saw_tooth.smallest), grouped(saw_tooth.largest),
      time_of(saw_tooth.begin), time_of(saw_tooth.end));
}

std::string low_ratio_evidence(Counts counts, RatioStanding standing) {
  return fmt::format(
      "{:.2f} followers for each followed account ({} / {}): {:.1f} % of {} influencers have no "
      "more",
      follower_ratio(counts).value_or(0), grouped(counts.followers), grouped(counts.following),
      standing.percentile, grouped(static_cast<std::int64_t>(standing.of)));
}

}  // namespace ia
