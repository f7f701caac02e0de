#include "storage/block.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace ia::sqlite_store {
namespace {

// Influencers whose series are filled together, so that they stay in the processor's cache.
constexpr std::uint32_t kTile = 512;

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
  placements_.clear();
}

void Block::add(PointBatch batch) {
  placements_.push_back({.batch = std::move(batch), .first = 0, .further = {}});
}

void Block::transpose() {
  learn_ids();
  count();
  const auto slots = static_cast<std::uint32_t>(ids_.size());
  for (std::uint32_t begin = 0; begin < slots; begin += kTile) {
    fill(begin, std::min(begin + kTile, slots));
  }
  fill_misses();
  placements_.clear();
}

void Block::learn_ids() {
  std::vector<InfluencerId> unknown;
  for (auto& placement : placements_) {
    place_in_ids(placement, unknown);
    for (const auto& miss : placement.batch.misses) {
      if (!std::ranges::binary_search(ids_, miss.influencer)) unknown.push_back(miss.influencer);
    }
  }
  if (unknown.empty()) return;
  ids_.insert(ids_.end(), unknown.begin(), unknown.end());
  std::ranges::sort(ids_);
  const auto twice = std::ranges::unique(ids_);
  ids_.erase(twice.begin(), twice.end());
  for (auto& placement : placements_) place_in_ids(placement, unknown);
}

void Block::place_in_ids(Placement& placement, std::vector<InfluencerId>& unknown) const {
  const auto& wanted = placement.batch.influencers;
  placement.further.clear();
  if (wanted.empty()) return;
  auto at = std::ranges::lower_bound(ids_, wanted.front());
  placement.first = static_cast<std::uint32_t>(at - ids_.begin());
  const auto fits = static_cast<std::size_t>(ids_.end() - at) >= wanted.size();
  if (fits && std::equal(wanted.begin(), wanted.end(), at)) return;
  for (const auto id : wanted) {
    at = std::lower_bound(at, ids_.end(), id);
    if (at == ids_.end() || *at != id) unknown.push_back(id);
    placement.further.push_back(static_cast<std::uint32_t>(at - ids_.begin()));
  }
}

std::size_t Block::Placement::index_of_slot(std::uint32_t slot) const {
  if (!further.empty()) {
    return static_cast<std::size_t>(std::ranges::lower_bound(further, slot) - further.begin());
  }
  return std::min<std::size_t>(slot < first ? 0 : slot - first, batch.size());
}

void Block::count() {
  begin_.assign(ids_.size() + 1, 0);
  for (const auto& placement : placements_) {
    for (std::size_t i = 0; i < placement.batch.size(); ++i) ++begin_[placement.slot(i) + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  end_.assign(begin_.begin(), begin_.end() - 1);
  offsets_.resize(begin_.back());
  followers_.resize(begin_.back());
  following_.resize(begin_.back());
}

void Block::fill(std::uint32_t begin_slot, std::uint32_t end_slot) {
  for (const auto& placement : placements_) {
    const auto& batch = placement.batch;
    const auto offset = offset_of(batch.minute);
    const auto end = placement.index_of_slot(end_slot);
    for (auto i = placement.index_of_slot(begin_slot); i < end; ++i) {
      const auto slot = placement.slot(i);
      const auto at = end_[slot];
      // The store never writes two values of a minute; should there be two, the first counts.
      if (at > begin_[slot] && offsets_[at - 1] == offset) continue;
      offsets_[at] = offset;
      followers_[at] = batch.followers[i];
      following_[at] = batch.following[i];
      ++end_[slot];
    }
  }
}

void Block::fill_misses() {
  const auto slot_of = [&](const Miss& miss) {
    return static_cast<std::size_t>(std::ranges::lower_bound(ids_, miss.influencer) - ids_.begin());
  };
  miss_begin_.assign(ids_.size() + 1, 0);
  for (const auto& placement : placements_) {
    for (const auto& miss : placement.batch.misses) ++miss_begin_[slot_of(miss) + 1];
  }
  std::partial_sum(miss_begin_.begin(), miss_begin_.end(), miss_begin_.begin());
  misses_.resize(miss_begin_.back());
  std::vector<std::uint32_t> next(miss_begin_.begin(), miss_begin_.end() - 1);
  for (const auto& placement : placements_) {
    const auto offset = offset_of(placement.batch.minute);
    for (const auto& miss : placement.batch.misses) {
      misses_[next[slot_of(miss)]++] = {offset, miss.reason};
    }
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

void append_chunk(const Chunk& later, std::uint16_t base, Chunk& out) {
  const auto append = [](const auto& from, auto& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (const auto offset : later.offsets) {
    out.offsets.push_back(static_cast<std::uint16_t>(base + offset));
  }
  append(later.followers, out.followers);
  append(later.following, out.following);
  for (const auto& miss : later.misses) {
    out.misses.push_back({static_cast<std::uint16_t>(base + miss.offset), miss.reason});
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

  std::vector<ChunkMiss> misses;
  std::ranges::merge(settled.misses, late.misses, std::back_inserter(misses), {},
                     &ChunkMiss::offset, &ChunkMiss::offset);
  for (const auto& miss : misses) {
    const bool again = !out.misses.empty() && out.misses.back().offset == miss.offset;
    if (!again && !std::ranges::binary_search(out.offsets, miss.offset)) out.misses.push_back(miss);
  }
}

}  // namespace ia::sqlite_store
