#include "api/past/rank_count.h"

#include <algorithm>
#include <iterator>

#include "api/series/buckets.h"

namespace ia {

std::vector<Minute> RankQuestion::minutes() const {
  std::vector<Minute> minutes;
  auto minute = bucket_of(range.begin, step);
  if (minute < range.begin) minute += step;
  for (; minute < range.end; minute += step) minutes.push_back(minute);
  return minutes;
}

bool RankCount::is_done() const {
  const std::scoped_lock lock(mutex_);
  return ended_at_.has_value();
}

std::optional<Error> RankCount::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

std::vector<RankAt> RankCount::from(std::size_t n) const {
  const std::scoped_lock lock(mutex_);
  if (n >= ranks_.size()) return {};
  return {ranks_.begin() + static_cast<std::ptrdiff_t>(n), ranks_.end()};
}

std::vector<Minute> RankCount::next_hour() const {
  const std::scoped_lock lock(mutex_);
  const auto begin = minutes_.begin() + static_cast<std::ptrdiff_t>(counted_);
  if (begin == minutes_.end()) return {};
  const auto hour = std::chrono::floor<std::chrono::hours>(*begin);
  const auto end = std::ranges::lower_bound(begin, minutes_.end(), hour + std::chrono::hours{1});
  return {begin, end};
}

bool RankCount::count_an_hour(const Store& store, const GoOn& go_on, const Clock& clock) {
  const auto minutes = next_hour();
  const auto is_wanted = [&] { return go_on() && this->is_wanted(clock.mono()); };
  auto counted = made_safely<std::vector<RankAt>>(
      [&](const GoOn& wanted) { return store.read_ranks(question_.influencer, minutes, wanted); },
      GoOn(is_wanted, true));
  take(std::move(counted), minutes.size(), clock.mono());
  return !is_done();
}

void RankCount::take(Result<std::vector<RankAt>> counted, std::size_t minutes, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  if (counted) {
    ranks_.insert(ranks_.end(), counted->begin(), counted->end());
    counted_ += minutes;
  } else {
    error_ = counted.error();
  }
  if (error_ || counted_ == minutes_.size()) ended_at_ = now;
}

bool RankCount::is_wanted(MonoTime now) const {
  const std::scoped_lock lock(mutex_);
  return now - asked_at_ <= kWantedAfter;
}

bool RankCount::is_good(MonoTime now, std::chrono::seconds good_for) const {
  const std::scoped_lock lock(mutex_);
  if (!ended_at_) return true;
  if (error_ && error_->code == Errc::kCancelled) return false;
  return now - *ended_at_ <= (error_ ? RankCounts::kFailureKeptFor : good_for);
}

void RankCount::ask(MonoTime now) {
  const std::scoped_lock lock(mutex_);
  asked_at_ = now;
}

std::expected<std::shared_ptr<RankCount>, Problem> RankCounts::get(const RankQuestion& question,
                                                                   std::uint64_t client,
                                                                   std::chrono::seconds good_for) {
  const auto now = clock_.mono();
  const std::scoped_lock lock(mutex_);
  const auto known =
      std::ranges::find_if(kept_, [&](const auto& kept) { return kept->question() == question; });
  if (known != kept_.end() && (*known)->is_good(now, good_for)) {
    (*known)->ask(now);
    kept_.splice(kept_.begin(), kept_, known);
    return kept_.front();
  }
  if (known != kept_.end()) kept_.erase(known);
  auto count = std::make_shared<RankCount>(question, now);
  const auto begun =
      thread_.begin(client, [count, &store = store_, &clock = clock_](const GoOn& go_on) {
        return count->count_an_hour(store, go_on, clock);
      });
  if (begun != LaterThread::Begun::kYes) return std::unexpected(refused(begun));
  kept_.push_front(count);
  drop_over(kBytesMax);
  return count;
}

void RankCounts::drop_over(std::size_t bytes_max) {
  std::size_t bytes = 0;
  for (auto at = kept_.begin(); at != kept_.end();) {
    bytes += (*at)->bytes();
    at = bytes <= bytes_max || !(*at)->is_done() ? std::next(at) : kept_.erase(at);
  }
}

}  // namespace ia
