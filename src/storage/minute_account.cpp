#include "storage/minute_account.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kSumStep = 512;  // so many counts cannot overflow 64 bits

template <class Items, class Projection>
bool strictly_ascending(const Items& items, Projection projection) {
  return std::ranges::adjacent_find(items, std::ranges::greater_equal{}, projection) == items.end();
}

bool all_counts(std::span<const std::int64_t> values) {
  std::uint64_t largest = 0;
  for (const auto value : values) largest = std::max(largest, static_cast<std::uint64_t>(value));
  return largest <= static_cast<std::uint64_t>(kCountMax);
}

bool disjoint(const PointBatch& batch) {
  return std::ranges::none_of(batch.misses, [&](const Miss& miss) {
    return std::ranges::binary_search(batch.influencers, miss.influencer);
  });
}

bool ids_in_range(const PointBatch& batch) {
  const auto in_range = [](InfluencerId id) { return number_of(id) <= kInfluencerIdMax; };
  return (batch.influencers.empty() || in_range(batch.influencers.back())) &&
         (batch.misses.empty() || in_range(batch.misses.back().influencer)) &&
         std::ranges::all_of(batch.usernames, in_range, &Username::influencer);
}

const char* flaw_of(const PointBatch& batch) {
  if (batch.followers.size() != batch.size() || batch.following.size() != batch.size()) {
    return "its columns differ in length";
  }
  if (minute_of(batch.retrieved_at) != batch.minute) return "it was not retrieved in its minute";
  if (!strictly_ascending(batch.influencers, std::identity{}) ||
      !strictly_ascending(batch.misses, &Miss::influencer)) {
    return "its influencers are not in ascending order";
  }
  if (!ids_in_range(batch)) return "an influencer id is above 2^63 - 1";
  if (!all_counts(batch.followers) || !all_counts(batch.following)) {
    return "a count is not in 0 to 2^53 - 1";
  }
  const auto known = [](const Miss& miss) {
    return static_cast<std::size_t>(miss.reason) < kMissReasonCount;
  };
  if (!std::ranges::all_of(batch.misses, known)) return "a reason of a miss is not known here";
  if (!disjoint(batch)) return "an influencer is both stored and missed";
  return nullptr;
}

void add_saturating(std::int64_t& sum, std::span<const std::int64_t> values) {
  for (std::size_t begin = 0; begin < values.size(); begin += kSumStep) {
    std::int64_t part = 0;
    for (const auto value : values.subspan(begin, std::min(kSumStep, values.size() - begin))) {
      part += value;
    }
    if (__builtin_add_overflow(sum, part, &sum)) sum = std::numeric_limits<std::int64_t>::max();
  }
}

void append_range(std::vector<IndexRange>& ranges, std::size_t begin, std::size_t end) {
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = end;
  } else {
    ranges.push_back({begin, end});
  }
}

std::vector<std::uint32_t> numbers_of(std::span<const InfluencerId> of, IdNumbers& ids) {
  std::vector<std::uint32_t> numbers;
  ids.find_or_add(of, numbers);
  return numbers;
}

std::vector<std::uint32_t> numbers_of(const std::vector<Miss>& misses, IdNumbers& ids) {
  std::vector<InfluencerId> missed;
  missed.reserve(misses.size());
  for (const auto& miss : misses) missed.push_back(miss.influencer);
  return numbers_of(missed, ids);
}

template <class Column>
void take(const Column& from, const std::vector<IndexRange>& ranges, Column& to) {
  const auto at = [&](std::size_t index) {
    return from.begin() + static_cast<std::ptrdiff_t>(index);
  };
  for (const auto [begin, end] : ranges) to.insert(to.end(), at(begin), at(end));
}

}  // namespace

Status check_batch(const PointBatch& batch) {
  const auto* flaw = flaw_of(batch);
  if (flaw == nullptr) return {};
  return fail(Errc::kInvalid, std::string("store: a batch is refused: ") + flaw);
}

PointBatch filtered(const PointBatch& batch, const Kept& kept) {
  PointBatch out{.minute = batch.minute,
                 .retrieved_at = batch.retrieved_at,
                 .influencers = {},
                 .followers = {},
                 .following = {},
                 .misses = {},
                 .usernames = batch.usernames};
  take(batch.influencers, kept.points, out.influencers);
  take(batch.followers, kept.points, out.followers);
  take(batch.following, kept.points, out.following);
  take(batch.misses, kept.misses, out.misses);
  return out;
}

MinuteAccount::MinuteAccount(Minute minute, std::uint64_t due_registered) {
  stats_.minute = minute;
  stats_.due = due_registered;
}

Kept MinuteAccount::apply(const PointBatch& batch, Presence& presence, IdNumbers& ids) {
  Kept kept;
  add_points(batch, presence, ids, kept);
  add_misses(batch, presence, ids, kept);
  settle_due();
  return kept;
}

void MinuteAccount::add_points(const PointBatch& batch, Presence& presence, IdNumbers& ids,
                               Kept& kept) {
  const auto numbers = numbers_of(batch.influencers, ids);
  for_each_group(numbers, [&](const NumberGroup& group) {
    const auto fresh = group.mask & ~presence.present(group.index);
    if (fresh == group.mask) {
      append_range(kept.points, group.begin, group.end);
    } else {
      for (auto i = group.begin; i < group.end; ++i) {
        if (fresh & bit_of(numbers[i])) append_range(kept.points, i, i + 1);
      }
    }
    take_back(presence, group.index, fresh);
    presence.set_present(group.index, fresh);
  });
  for (const auto& points : kept.points) {
    kept.point_count += points.end - points.begin;
    add_values(batch, points);
  }
  stats_.repeats += batch.size() - kept.point_count;
  if (kept.point_count == 0) return;
  const bool first = stats_.stored == 0;
  stats_.first_retrieved_at =
      first ? batch.retrieved_at : std::min(stats_.first_retrieved_at, batch.retrieved_at);
  stats_.last_retrieved_at =
      first ? batch.retrieved_at : std::max(stats_.last_retrieved_at, batch.retrieved_at);
  stats_.stored += kept.point_count;
}

void MinuteAccount::add_misses(const PointBatch& batch, Presence& presence, IdNumbers& ids,
                               Kept& kept) {
  if (batch.misses.empty()) return;
  const auto numbers = numbers_of(batch.misses, ids);
  for (std::size_t i = 0; i < batch.misses.size(); ++i) {
    const auto& miss = batch.misses[i];
    const auto index = numbers[i] / 64;
    const auto bit = bit_of(numbers[i]);
    if ((presence.present(index) | presence.missed(index)) & bit) continue;
    presence.set_missed(index, bit, miss.reason);
    take_from_rest(1);
    ++stats_.missed[static_cast<std::size_t>(miss.reason)];
    ++kept.miss_count;
    append_range(kept.misses, i, i + 1);
  }
}

// Of `bits` that now have a value, the misses do not count any more.
void MinuteAccount::take_back(const Presence& presence, std::uint32_t group, std::uint64_t bits) {
  auto missed = presence.missed(group) & bits;
  take_from_rest(static_cast<std::uint64_t>(std::popcount(bits & ~missed)));
  for (; missed != 0; missed &= missed - 1) {
    const auto bit = missed & -missed;
    --stats_.missed[static_cast<std::size_t>(presence.reason(group, bit))];
  }
}

void MinuteAccount::take_from_rest(std::uint64_t count) {
  const auto taken = std::min(stats_.rest, count);
  stats_.rest -= taken;
  stats_.missed[static_cast<std::size_t>(stats_.rest_reason)] -= taken;
}

void MinuteAccount::add_values(const PointBatch& batch, IndexRange points) {
  const auto count = points.end - points.begin;
  add_saturating(stats_.followers_sum, std::span(batch.followers).subspan(points.begin, count));
  add_saturating(stats_.following_sum, std::span(batch.following).subspan(points.begin, count));
}

// Influencers that are not registered, or were not when the minute began, are due as well.
void MinuteAccount::settle_due() {
  stats_.due = std::max(stats_.due, stats_.stored + stats_.missed_total());
}

bool MinuteAccount::close(MissReason reason) {
  if (stats_.closed) return false;
  stats_.closed = true;
  stats_.rest = stats_.open();
  stats_.rest_reason = reason;
  stats_.missed[static_cast<std::size_t>(reason)] += stats_.rest;
  return true;
}

void replay(const PointBatch& batch, Presence& presence, IdNumbers& ids) {
  for_each_group(numbers_of(batch.influencers, ids), [&](const NumberGroup& group) {
    presence.set_present(group.index, group.mask);
  });
  if (batch.misses.empty()) return;
  const auto numbers = numbers_of(batch.misses, ids);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto index = numbers[i] / 64;
    const auto bit = bit_of(numbers[i]);
    if ((presence.present(index) | presence.missed(index)) & bit) continue;
    presence.set_missed(index, bit, batch.misses[i].reason);
  }
}

}  // namespace ia::sqlite_store
