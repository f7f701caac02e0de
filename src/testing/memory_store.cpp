#include "testing/memory_store.h"

#include <algorithm>
#include <functional>

namespace ia {
namespace {

constexpr std::size_t kTailBatchesMax = 256;

bool is_count(std::int64_t value) { return 0 <= value && value <= kCountMax; }

template <class Range, class Projection>
bool strictly_ascending(const Range& range, Projection projection) {
  return std::ranges::adjacent_find(range, std::ranges::greater_equal{}, projection) == range.end();
}

bool is_sound(const PointBatch& batch) {
  return batch.followers.size() == batch.size() && batch.following.size() == batch.size() &&
         std::ranges::all_of(batch.followers, is_count) &&
         std::ranges::all_of(batch.following, is_count) &&
         strictly_ascending(batch.influencers, std::identity{}) &&
         strictly_ascending(batch.misses, &Miss::influencer) &&
         std::ranges::none_of(batch.misses,
                              [&](const Miss& miss) {
                                return std::ranges::binary_search(batch.influencers,
                                                                  miss.influencer);
                              }) &&
         minute_of(batch.retrieved_at) == batch.minute;
}

void add_minute(std::vector<MinuteRange>& ranges, Minute minute) {
  if (ranges.empty() || ranges.back().end < minute) ranges.push_back({minute, minute});
  ranges.back().end = minute + std::chrono::minutes{1};
}

std::string folded(std::string_view text) {
  std::string result(text);
  for (auto& c : result) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

MemoryStore::MemoryStore(MemoryStoreOptions options) : options_(options) {}

Status MemoryStore::check_up() const {
  if (down_) return fail(Errc::kUnavailable, "memory store: down");
  return {};
}

Result<Registry> MemoryStore::registry() const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  return registry_;
}

Status MemoryStore::put_registry(const Registry& registry) {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return up;
  if (registry.epoch <= registry_.epoch) {
    return fail(Errc::kInvalid, "memory store: epoch " + std::to_string(registry.epoch) +
                                    " is not newer than " + std::to_string(registry_.epoch));
  }
  registry_ = registry;
  return {};
}

Result<AppendResult> MemoryStore::append(std::span<const PointBatch> batches) {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  if (fail_next_ > 0) {
    --fail_next_;
    return fail(fail_code_, "memory store: told to fail");
  }
  if (!std::ranges::all_of(batches, is_sound)) {
    return fail(Errc::kInvalid, "memory store: a batch is not sound");
  }
  AppendResult result;
  for (const auto& batch : batches) apply(batch, result);
  if (lose_reply_next_ > 0) {
    --lose_reply_next_;
    return fail(Errc::kUnavailable, "memory store: the reply was lost");
  }
  return result;
}

void MemoryStore::apply(const PointBatch& batch, AppendResult& result) {
  if (batch.minute < horizon_) {
    result.expired += batch.size();
    return;
  }
  apply_names(batch);
  PointBatch fresh{.minute = batch.minute,
                   .retrieved_at = batch.retrieved_at,
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {},
                   .usernames = batch.usernames};
  auto& row = this->row(batch.minute);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!store_point(row, batch, i)) {
      ++result.repeats;
      continue;
    }
    ++result.stored;
    fresh.influencers.push_back(batch.influencers[i]);
    fresh.followers.push_back(batch.followers[i]);
    fresh.following.push_back(batch.following[i]);
  }
  for (const auto& [influencer, reason] : batch.misses) {
    const bool counts = !row.values.contains(influencer) && !row.misses.contains(influencer);
    if (!counts) continue;
    row.misses.emplace(influencer, reason);
    fresh.misses.push_back({influencer, reason});
    if (row.closed_misses > 0) --row.closed_misses;
  }
  const bool is_empty = fresh.size() + fresh.misses.size() + fresh.usernames.size() == 0;
  if (!is_empty) tail_.push_back(std::move(fresh));
}

// False when there was a value already.
bool MemoryStore::store_point(MinuteRow& row, const PointBatch& batch, std::size_t index) {
  const auto influencer = batch.influencers[index];
  const Counts counts{batch.followers[index], batch.following[index]};
  if (!row.values.emplace(influencer, counts).second) {
    ++row.repeats;
    return false;
  }
  const bool had_miss = row.misses.erase(influencer) > 0;
  if (!had_miss && row.closed_misses > 0) --row.closed_misses;
  const bool first = row.values.size() == 1;
  row.first_retrieved_at =
      first ? batch.retrieved_at : std::min(row.first_retrieved_at, batch.retrieved_at);
  row.last_retrieved_at = std::max(row.last_retrieved_at, batch.retrieved_at);
  auto& latest = latest_[influencer];
  if (batch.retrieved_at > latest.retrieved_at) latest = {counts, batch.retrieved_at};
  return true;
}

void MemoryStore::apply_names(const PointBatch& batch) {
  for (const auto& username : batch.usernames) {
    auto& known = names_[username.influencer];
    if (batch.retrieved_at >= known.retrieved_at) known = {username.name, batch.retrieved_at};
  }
}

MemoryStore::MinuteRow& MemoryStore::row(Minute minute) {
  const auto [found, is_new] = minutes_.try_emplace(minute);
  if (is_new && registry_.epoch > 0) found->second.due_registered = registry_.due_in(minute);
  return found->second;
}

Status MemoryStore::close_minutes(MinuteRange range, MissReason reason) {
  const std::scoped_lock lock(mutex_);
  ++closings_;
  if (auto up = check_up(); !up) return up;
  for (auto minute = std::max(range.begin, horizon_); minute < range.end; ++minute) {
    auto& row = this->row(minute);
    if (row.closed) continue;
    row.closed = true;
    row.close_reason = reason;
    row.closed_misses = stats_of(minute, row).open();
  }
  return {};
}

MinuteStats MemoryStore::stats_of(Minute minute, const MinuteRow& row) {
  if (row.is_damaged) {
    MinuteStats lost;
    lost.minute = minute;
    lost.closed = lost.damaged = true;
    return lost;
  }
  MinuteStats stats{.minute = minute,
                    .stored = row.values.size() + row.damaged.size(),
                    .repeats = row.repeats,
                    .closed = row.closed,
                    .rest = row.closed_misses,
                    .rest_reason = row.close_reason,
                    .first_retrieved_at = row.first_retrieved_at,
                    .last_retrieved_at = row.last_retrieved_at,
                    .damaged = !row.damaged.empty()};
  for (const auto& [influencer, reason] : row.misses) {
    ++stats.missed[static_cast<std::size_t>(reason)];
  }
  stats.missed[static_cast<std::size_t>(row.close_reason)] += row.closed_misses;
  stats.due = std::max(row.due_registered, stats.stored + stats.missed_total());
  for (const auto* values : {&row.values, &row.damaged}) {
    for (const auto& [influencer, counts] : *values) {
      stats.followers_sum += counts.followers;
      stats.following_sum += counts.following;
    }
  }
  return stats;
}

std::optional<WallTime> MemoryStore::newest_minute() const {
  for (auto row = minutes_.rbegin(); row != minutes_.rend(); ++row) {
    if (!row->second.values.empty()) return row->first;
  }
  return std::nullopt;
}

Result<bool> MemoryStore::maintain(const UpkeepTime& time) {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  if (options_.retention.count() == 0) return false;
  if (!retention_clock_) retention_clock_.emplace(newest_minute());
  const auto reached = retention_clock_->step(time.now, time.mono, time.is_confirmed);
  horizon_ = std::max(horizon_, minute_of(reached - options_.retention));
  const auto kept = minutes_.lower_bound(horizon_);
  for (auto it = minutes_.begin(); it != kept; it = minutes_.erase(it)) {
    expired_.emplace(it->first, stats_of(it->first, it->second));
  }
  return false;
}

Result<Series> MemoryStore::read_series(InfluencerId influencer, MinuteRange range) const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  Series series;
  for (const auto& [minute, row] : minutes_) {
    const auto value = row.values.find(influencer);
    if (!range.contains(minute)) continue;
    if (row.damaged.contains(influencer)) add_minute(series.damaged, minute);
    if (value == row.values.end()) continue;
    series.minutes.push_back(minute);
    series.followers.push_back(value->second.followers);
    series.following.push_back(value->second.following);
  }
  return series;
}

Result<std::vector<MissAt>> MemoryStore::read_misses(InfluencerId influencer,
                                                     std::span<const Minute> minutes) const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  std::vector<MissAt> misses;
  for (const auto minute : minutes) {
    const auto row = minutes_.find(minute);
    if (row == minutes_.end()) continue;
    const auto miss = row->second.misses.find(influencer);
    if (miss != row->second.misses.end()) misses.push_back({minute, miss->second});
  }
  return misses;
}

Result<MinuteColumns> MemoryStore::read_minute(Minute minute, const GoOn& go_on) const {
  if (auto asked = check_go_on(go_on); !asked) return std::unexpected(asked.error());
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  MinuteColumns columns;
  const auto row = minutes_.find(minute);
  if (row == minutes_.end()) return columns;
  for (const auto& [influencer, counts] : row->second.values) {
    columns.influencers.push_back(influencer);
    columns.followers.push_back(counts.followers);
    columns.following.push_back(counts.following);
  }
  columns.damaged = !row->second.damaged.empty();
  return columns;
}

Result<std::vector<RankAt>> MemoryStore::read_ranks(InfluencerId influencer,
                                                    std::span<const Minute> minutes,
                                                    const GoOn& go_on) const {
  if (auto asked = check_go_on(go_on); !asked) return std::unexpected(asked.error());
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  std::vector<RankAt> ranks;
  for (const auto minute : minutes) {
    const auto row = minutes_.find(minute);
    if (row == minutes_.end()) continue;
    const auto& values = row->second.values;
    const auto own = values.find(influencer);
    if (own == values.end()) continue;
    const auto above = std::ranges::count_if(
        values, [&](const auto& value) { return value.second.followers > own->second.followers; });
    ranks.push_back({.minute = minute,
                     .followers = own->second.followers,
                     .rank = 1 + static_cast<std::uint64_t>(above),
                     .of = values.size(),
                     .damaged = !row->second.damaged.empty()});
  }
  return ranks;
}

Result<std::vector<MinuteStats>> MemoryStore::read_minutes(MinuteRange range) const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  std::vector<MinuteStats> rows;
  for (const auto& [minute, stats] : expired_) {
    if (range.contains(minute)) rows.push_back(stats);
  }
  for (const auto& [minute, row] : minutes_) {
    if (range.contains(minute)) rows.push_back(stats_of(minute, row));
  }
  return rows;
}

Result<Latest> MemoryStore::read_latest() const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  Latest latest;
  for (const auto& [influencer, value] : latest_) {
    latest.values.influencers.push_back(influencer);
    latest.values.followers.push_back(value.counts.followers);
    latest.values.following.push_back(value.counts.following);
    latest.values.retrieved_at.push_back(value.retrieved_at);
  }
  for (const auto& [influencer, name] : names_) latest.usernames.push_back({influencer, name.name});
  latest.cursor.position = tail_.size();
  return latest;
}

Result<Tail> MemoryStore::read_tail(TailCursor from) const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  const auto begin = std::min<std::size_t>(from.position, tail_.size());
  const auto end = std::min(begin + kTailBatchesMax, tail_.size());
  Tail tail;
  for (auto i = begin; i < end; ++i) tail.batches.push_back(tail_[i]);
  tail.cursor.position = end;
  return tail;
}

Result<std::vector<Username>> MemoryStore::find_usernames(std::string_view prefix,
                                                          std::size_t count_max) const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  std::map<std::pair<std::string, InfluencerId>, std::string> found;
  for (const auto& [influencer, name] : names_) {
    if (folded(name.name).starts_with(folded(prefix))) {
      found.emplace(std::pair(folded(name.name), influencer), name.name);
    }
  }
  std::vector<Username> usernames;
  for (const auto& [key, name] : found) {
    if (usernames.size() < count_max) usernames.push_back({key.second, name});
  }
  return usernames;
}

void MemoryStore::damage(InfluencerId influencer, MinuteRange range) {
  const std::scoped_lock lock(mutex_);
  for (auto& [minute, row] : minutes_) {
    if (!range.contains(minute)) continue;
    if (auto value = row.values.extract(influencer)) row.damaged.insert(std::move(value));
  }
}

void MemoryStore::damage_row(Minute minute) {
  const std::scoped_lock lock(mutex_);
  minutes_.at(minute).is_damaged = true;
}

Result<Minute> MemoryStore::horizon() const {
  const std::scoped_lock lock(mutex_);
  return horizon_;
}

Result<StoreSize> MemoryStore::size() const {
  const std::scoped_lock lock(mutex_);
  if (auto up = check_up(); !up) return std::unexpected(up.error());
  StoreSize size{
      .bytes = 0, .points = 0, .free_bytes = std::uint64_t{1} << 40, .oldest_minute = {}};
  for (const auto& [minute, row] : minutes_) {
    if (size.points == 0) size.oldest_minute = minute;
    size.points += row.values.size();
  }
  size.bytes = size.points * sizeof(Point);
  return size;
}

void MemoryStore::fail_next_append(std::size_t count, Errc code) {
  const std::scoped_lock lock(mutex_);
  fail_next_ = count;
  fail_code_ = code;
}

void MemoryStore::lose_reply_next_append(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  lose_reply_next_ = count;
}

void MemoryStore::set_down(bool down) {
  const std::scoped_lock lock(mutex_);
  down_ = down;
}

}  // namespace ia
