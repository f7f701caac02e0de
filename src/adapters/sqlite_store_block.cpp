#include "adapters/sqlite_store_block.h"

#include <algorithm>
#include <numeric>

namespace ia::sqlite_store {
namespace {

InfluencerId id_of(InfluencerId id) { return id; }
InfluencerId id_of(const Miss& miss) { return miss.influencer; }

// Calls visit(slot, index) for each item, slot being its id's place in `ids`; both ascend.
// An id that is not there: unknown(index).
template <class Items, class Visit, class Unknown>
void for_each_slot(const std::vector<InfluencerId>& ids, const Items& items, Visit visit,
                   Unknown unknown) {
  if (items.empty()) return;
  auto slot =
      static_cast<std::size_t>(std::ranges::lower_bound(ids, id_of(items.front())) - ids.begin());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto id = id_of(items[i]);
    if (slot < ids.size() && ids[slot] < id) {
      const auto rest = ids.begin() + static_cast<std::ptrdiff_t>(slot);
      slot = static_cast<std::size_t>(std::lower_bound(rest, ids.end(), id) - ids.begin());
    }
    if (slot < ids.size() && ids[slot] == id) {
      visit(slot++, i);
    } else {
      unknown(i);
    }
  }
}

constexpr auto kIgnore = [](std::size_t) {};

template <class Column>
Column slice(const Column& column, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t index) {
    return column.begin() + static_cast<std::ptrdiff_t>(index);
  };
  return Column(at(begin), at(end));
}

}  // namespace

PointBatch part_of(PointBatch batch, InfluencerId begin, InfluencerId end) {
  batch.usernames.clear();
  const auto point = [&](InfluencerId id) {
    return static_cast<std::size_t>(std::ranges::lower_bound(batch.influencers, id) -
                                    batch.influencers.begin());
  };
  const auto miss = [&](InfluencerId id) {
    return static_cast<std::size_t>(
        std::ranges::lower_bound(batch.misses, id, {}, &Miss::influencer) - batch.misses.begin());
  };
  const auto first = point(begin);
  const auto last = point(end);
  const auto first_miss = miss(begin);
  const auto last_miss = miss(end);
  if (last - first != batch.size()) {
    batch.influencers = slice(batch.influencers, first, last);
    batch.followers = slice(batch.followers, first, last);
    batch.following = slice(batch.following, first, last);
  }
  if (last_miss - first_miss != batch.misses.size()) {
    batch.misses = slice(batch.misses, first_miss, last_miss);
  }
  return batch;
}

void Block::begin(std::vector<InfluencerId> expected, Minute first_minute) {
  ids_ = std::move(expected);
  first_minute_ = first_minute;
  batches_.clear();
}

void Block::add(PointBatch batch) { batches_.push_back(std::move(batch)); }

void Block::transpose() {
  learn_ids();
  count();
  for (const auto& batch : batches_) place(batch);
  place_misses();
  batches_.clear();
}

void Block::learn_ids() {
  std::vector<InfluencerId> unknown;
  constexpr auto known = [](std::size_t, std::size_t) {};
  for (const auto& batch : batches_) {
    for_each_slot(ids_, batch.influencers, known,
                  [&](std::size_t i) { unknown.push_back(batch.influencers[i]); });
    for_each_slot(ids_, batch.misses, known,
                  [&](std::size_t i) { unknown.push_back(batch.misses[i].influencer); });
  }
  if (unknown.empty()) return;
  ids_.insert(ids_.end(), unknown.begin(), unknown.end());
  std::ranges::sort(ids_);
  const auto twice = std::ranges::unique(ids_);
  ids_.erase(twice.begin(), twice.end());
}

void Block::count() {
  begin_.assign(ids_.size() + 1, 0);
  for (const auto& batch : batches_) {
    for_each_slot(
        ids_, batch.influencers, [&](std::size_t slot, std::size_t) { ++begin_[slot + 1]; },
        kIgnore);
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  end_.assign(begin_.begin(), begin_.end() - 1);
  offsets_.resize(begin_.back());
  followers_.resize(begin_.back());
  following_.resize(begin_.back());
}

void Block::place(const PointBatch& batch) {
  const auto offset = static_cast<std::uint16_t>((batch.minute - first_minute_).count());
  for_each_slot(
      ids_, batch.influencers,
      [&](std::size_t slot, std::size_t i) {
        const auto at = end_[slot];
        // The store never writes two values of a minute; should there be two, the first counts.
        if (at > begin_[slot] && offsets_[at - 1] == offset) return;
        offsets_[at] = offset;
        followers_[at] = batch.followers[i];
        following_[at] = batch.following[i];
        ++end_[slot];
      },
      kIgnore);
}

void Block::place_misses() {
  miss_begin_.assign(ids_.size() + 1, 0);
  for (const auto& batch : batches_) {
    for_each_slot(
        ids_, batch.misses, [&](std::size_t slot, std::size_t) { ++miss_begin_[slot + 1]; },
        kIgnore);
  }
  std::partial_sum(miss_begin_.begin(), miss_begin_.end(), miss_begin_.begin());
  misses_.resize(miss_begin_.back());
  std::vector<std::uint32_t> next(miss_begin_.begin(), miss_begin_.end() - 1);
  for (const auto& batch : batches_) {
    const auto offset = static_cast<std::uint16_t>((batch.minute - first_minute_).count());
    for_each_slot(
        ids_, batch.misses,
        [&](std::size_t slot, std::size_t i) {
          misses_[next[slot]++] = {offset, batch.misses[i].reason};
        },
        kIgnore);
  }
}

ChunkView Block::series(std::size_t index) const {
  const auto begin = begin_[index];
  const auto count = end_[index] - begin;
  const auto misses =
      std::span(misses_).subspan(miss_begin_[index], miss_begin_[index + 1] - miss_begin_[index]);
  return {std::span(offsets_).subspan(begin, count), std::span(followers_).subspan(begin, count),
          std::span(following_).subspan(begin, count), misses};
}

void append_chunk(const Chunk& part, std::uint32_t offset, Chunk& out) {
  for (const auto at : part.offsets) out.offsets.push_back(static_cast<std::uint16_t>(at + offset));
  out.followers.insert(out.followers.end(), part.followers.begin(), part.followers.end());
  out.following.insert(out.following.end(), part.following.begin(), part.following.end());
  for (const auto& miss : part.misses) {
    out.misses.push_back({static_cast<std::uint16_t>(miss.offset + offset), miss.reason});
  }
}

void merge_chunks(const Chunk& settled, const ChunkView& late, Chunk& out) {
  out.clear();
  const auto push = [&](const auto& from, std::size_t i) {
    out.offsets.push_back(from.offsets[i]);
    out.followers.push_back(from.followers[i]);
    out.following.push_back(from.following[i]);
  };
  std::size_t next = 0;
  for (std::size_t i = 0; i < late.offsets.size(); ++i) {
    while (next < settled.offsets.size() && settled.offsets[next] < late.offsets[i]) {
      push(settled, next++);
    }
    const bool twice = next < settled.offsets.size() && settled.offsets[next] == late.offsets[i];
    if (!twice) push(late, i);
  }
  while (next < settled.offsets.size()) push(settled, next++);

  std::vector<ChunkMiss> misses(settled.misses);
  misses.insert(misses.end(), late.misses.begin(), late.misses.end());
  std::ranges::stable_sort(misses, {}, &ChunkMiss::offset);
  for (const auto& miss : misses) {
    const bool again = !out.misses.empty() && out.misses.back().offset == miss.offset;
    if (!again && !std::ranges::binary_search(out.offsets, miss.offset)) out.misses.push_back(miss);
  }
}

}  // namespace ia::sqlite_store
