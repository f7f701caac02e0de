#include "adapters/sqlite_store_walk.h"

#include <algorithm>

namespace ia::sqlite_store {
namespace {

void count_value(std::int64_t followers, RankAt& rank) {
  ++rank.of;
  if (followers > rank.followers) ++rank.rank;
}

// Offsets ascend, so a value is never further on than its offset.
void count_chunk(const Chunk& chunk, const SegmentPart& part, std::span<RankAt> ranks) {
  const bool is_full = chunk.offsets.size() == part.span();
  for (auto& rank : ranks) {
    std::size_t at = part.offset_of(rank.minute);
    if (!is_full) {
      const auto found = std::ranges::lower_bound(chunk.offsets, at);
      if (found == chunk.offsets.end() || *found != at) continue;
      at = static_cast<std::size_t>(found - chunk.offsets.begin());
    }
    count_value(chunk.followers[at], rank);
  }
}

}  // namespace

Result<MinuteColumns> walk_segment(SegmentReader& segment, Minute minute, const GoOn& go_on) {
  const auto part = segment.part_of(minute);
  const auto offset = part.offset_of(minute);
  MinuteColumns columns;
  Chunk scratch;
  std::size_t seen = 0;
  auto moved = segment.begin_walk(part);
  for (; moved && segment.current(); moved = segment.next()) {
    if (seen++ % kAskEvery == 0) {
      if (auto asked = check_go_on(go_on); !asked) return std::unexpected(asked.error());
    }
    const auto counts = segment.decode_current_value(offset, scratch);
    if (!counts) return std::unexpected(counts.error());
    if (!*counts) continue;
    columns.influencers.push_back(*segment.current());
    columns.followers.push_back((*counts)->followers);
    columns.following.push_back((*counts)->following);
  }
  if (!moved) return std::unexpected(moved.error());
  return columns;
}

void count_ranks(const PointBatch& batch, RankAt& rank) {
  for (const auto followers : batch.followers) count_value(followers, rank);
}

Status count_ranks(SegmentReader& segment, const SegmentPart& part, std::span<RankAt> ranks,
                   const GoOn& go_on) {
  Chunk chunk;
  std::size_t seen = 0;
  auto moved = segment.begin_walk(part);
  for (; moved && segment.current(); moved = segment.next()) {
    if (seen++ % kAskEvery == 0) {
      if (auto asked = check_go_on(go_on); !asked) return asked;
    }
    if (auto decoded = segment.decode_current(chunk); !decoded) return decoded;
    count_chunk(chunk, part, ranks);
  }
  return moved;
}

void append_columns(const MinuteColumns& from, MinuteColumns& to) {
  const auto append = [](const auto& column, auto& out) {
    out.insert(out.end(), column.begin(), column.end());
  };
  append(from.influencers, to.influencers);
  append(from.followers, to.followers);
  append(from.following, to.following);
}

}  // namespace ia::sqlite_store
