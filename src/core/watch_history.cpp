#include "core/watch_history.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace ia {
namespace {

std::string text_of(Minute minute) { return std::to_string(minute.time_since_epoch().count()); }

std::optional<Minute> parse_minute(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  // Far enough for every calendar, and for arithmetic on it.
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (error != std::errc{} || stop != end || number < 0 || number > kMost) return std::nullopt;
  return Minute{std::chrono::minutes{number}};
}

// Cuts off what is before the next separator.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

}  // namespace

WatchHistory WatchHistory::followed_by(const InfluencerSet& before, const InfluencerSet& after,
                                       WallTime now) const {
  const auto soon = std::chrono::ceil<std::chrono::minutes>(now);
  WatchHistory next(std::min(begin_, soon));
  for (const auto& [since, influencers] : newcomers_) {
    auto still_there = influencers.common_with(after);
    if (!still_there.empty()) {
      next.newcomers_.push_back({std::min(since, soon), std::move(still_there)});
    }
  }
  auto added = after.without(before);
  if (!added.empty()) next.newcomers_.push_back({soon, std::move(added)});
  if (next.newcomers_.size() > kChangesMax) next.newcomers_.erase(next.newcomers_.begin());
  return next;
}

Minute WatchHistory::since(InfluencerId influencer) const {
  const auto newest = std::find_if(
      newcomers_.rbegin(), newcomers_.rend(),
      [&](const Newcomers& one) { return one.influencers.contains(influencer); });
  return newest == newcomers_.rend() ? begin_ : newest->since;
}

Minute WatchHistory::all_since() const {
  auto last = begin_;
  for (const auto& one : newcomers_) last = std::max(last, one.since);
  return last;
}

std::string WatchHistory::to_string() const {
  auto text = text_of(begin_);
  for (const auto& [since, influencers] : newcomers_) {
    text += ";" + text_of(since) + ":" + influencers.to_string();
  }
  return text;
}

Result<WatchHistory> WatchHistory::parse(std::string_view text) {
  WatchHistory history;
  if (text.empty()) return history;
  const auto wrong = [] { return fail(Errc::kCorrupt, "since when is watched: not readable"); };
  const auto begin = parse_minute(next_part(text, ';'));
  if (!begin) return wrong();
  history.begin_ = *begin;
  while (!text.empty()) {
    auto part = next_part(text, ';');
    const auto since = parse_minute(next_part(part, ':'));
    auto influencers = InfluencerSet::parse(part);
    if (!since || !influencers) return wrong();
    history.newcomers_.push_back({*since, std::move(*influencers)});
  }
  return history;
}

}  // namespace ia
