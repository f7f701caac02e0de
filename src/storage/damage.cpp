#include "storage/damage.h"

#include <algorithm>

#include "base/printable.h"
#include "storage/marks.h"

namespace ia::sqlite_store {
namespace {

// A disk that dies names millions of places; what matters is said by the first ones.
constexpr std::size_t kPlacesMax = 10'000;
constexpr std::size_t kLinesMax = 100;

}  // namespace

void DamageLog::note(MinuteRange minutes, const std::string& place, const std::string& cause) {
  const std::scoped_lock lock(mutex_);
  if (places_.size() >= kPlacesMax || !places_.emplace(place, minutes).second) return;
  mark(minutes, place);
  if (places_.size() > kLinesMax) return;
  log_.error("store", "stored values are damaged and left out; the rest is served",
             {{"place", place},
              {"cause", cause},
              {"advice", "run `influencer-analytics verify`; a backup may have them"}});
}

// With the mutex held.
void DamageLog::mark(MinuteRange minutes, const std::string& place) {
  if (minutes.begin >= minutes.end) return;
  if (!marked_) {
    marked_.emplace();
    for (auto& known : read_marks(marks_)) marked_->insert(std::move(known.place));
  }
  if (marked_->size() >= kPlacesMax || !marked_->insert(printable(place)).second) return;
  append_mark(marks_, {minutes, place});
}

std::vector<MinuteRange> DamageLog::ranges() const {
  const std::scoped_lock lock(mutex_);
  std::vector<MinuteRange> all;
  for (const auto& [place, minutes] : places_) add_range(all, minutes);
  return all;
}

std::size_t DamageLog::places() const {
  const std::scoped_lock lock(mutex_);
  return places_.size();
}

void add_range(std::vector<MinuteRange>& ranges, MinuteRange added) {
  if (added.begin >= added.end) return;
  const auto first = std::ranges::lower_bound(ranges, added.begin, {}, &MinuteRange::end);
  auto last = first;
  for (; last != ranges.end() && last->begin <= added.end; ++last) {
    added.begin = std::min(added.begin, last->begin);
    added.end = std::max(added.end, last->end);
  }
  ranges.insert(ranges.erase(first, last), added);
}

}  // namespace ia::sqlite_store
