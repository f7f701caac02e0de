#include "adapters/sqlite_store_walk.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

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

constexpr std::chrono::milliseconds kAskAgain{2};

// Calls visit() at each of the chunks.
template <class Visit>
Status walk(SegmentReader& segment, const SegmentPart& part, IdRange influencers, const GoOn& go_on,
            Visit visit) {
  std::size_t seen = 0;
  auto moved = segment.begin_walk(part, influencers);
  for (; moved && segment.current(); moved = segment.next()) {
    if (seen++ % kAskEvery == 0) {
      if (auto asked = check_go_on(go_on); !asked) return asked;
    }
    if (auto visited = visit(segment); !visited) return visited;
  }
  return moved;
}

// Calls visit(segment, half) at each of the chunks: the lower half of the influencers by this
// thread, the upper one by another.
template <class Visit>
Status walk_halves(Walked& walked, const SegmentPart& part, const GoOn& go_on, Visit visit) {
  Result<InfluencerId> middle = kEverybody.last;
  if (walked.second) middle = walked.segment.middle_of(part);
  if (!middle) return std::unexpected(middle.error());
  const auto walk_lower = [&] {
    return walk(walked.segment, part, {kEverybody.first, *middle}, go_on,
                [&](SegmentReader& segment) { return visit(segment, 0); });
  };
  if (*middle == kEverybody.last) return walk_lower();
  Status upper;
  std::exception_ptr thrown;
  std::atomic<bool> is_done = false;
  std::jthread helper([&](const std::stop_token& stop) {  // ends with this scope, come what may
    try {
      const InfluencerId above{number_of(*middle) + 1};
      upper = walk(
          *walked.second, part, {above, kEverybody.last}, [&] { return !stop.stop_requested(); },
          [&](SegmentReader& segment) { return visit(segment, 1); });
    } catch (...) {
      thrown = std::current_exception();
    }
    is_done = true;
  });
  const auto lower = walk_lower();
  for (bool goes_on = lower.has_value(); goes_on && !is_done; goes_on = go_on()) {
    std::this_thread::sleep_for(kAskAgain);
  }
  helper.request_stop();
  helper.join();
  if (thrown) std::rethrow_exception(thrown);
  return lower ? upper : lower;
}

}  // namespace

Result<Walked> Walked::open(const Files& files, const SegmentInfo& info, const GoOn& go_on) {
  auto segment = SegmentReader::open(files, info);
  if (!segment) return std::unexpected(segment.error());
  Walked walked{std::move(*segment), std::nullopt};
  if (!go_on.in_hurry()) return walked;
  auto second = SegmentReader::open(files, info);
  if (!second) return std::unexpected(second.error());
  walked.second.emplace(std::move(*second));
  return walked;
}

Result<MinuteColumns> walk_segment(Walked& walked, Minute minute, const GoOn& go_on) {
  const auto part = walked.segment.part_of(minute);
  const auto offset = part.offset_of(minute);
  struct Half {
    MinuteColumns columns;
    Chunk scratch;
  };
  std::array<Half, 2> halves;
  const auto done = walk_halves(walked, part, go_on, [&](SegmentReader& segment, int which) {
    auto& [columns, scratch] = halves[static_cast<std::size_t>(which)];
    const auto counts = segment.decode_current_value(offset, scratch);
    if (!counts) return Status{std::unexpected(counts.error())};
    if (!*counts) return Status{};
    columns.influencers.push_back(*segment.current());
    columns.followers.push_back((*counts)->followers);
    columns.following.push_back((*counts)->following);
    return Status{};
  });
  if (!done) return std::unexpected(done.error());
  append_columns(halves[1].columns, halves[0].columns);
  return std::move(halves[0].columns);
}

void count_ranks(const PointBatch& batch, RankAt& rank) {
  for (const auto followers : batch.followers) count_value(followers, rank);
}

Status count_ranks(Walked& walked, const SegmentPart& part, std::span<RankAt> ranks,
                   const GoOn& go_on) {
  struct Half {
    std::vector<RankAt> ranks;
    Chunk chunk;
  };
  std::array<Half, 2> halves;
  halves[0].ranks.assign(ranks.begin(), ranks.end());
  for (const auto& rank : ranks) {
    halves[1].ranks.push_back({.minute = rank.minute, .followers = rank.followers});
  }
  const auto done = walk_halves(walked, part, go_on, [&](SegmentReader& segment, int which) {
    auto& [counted, chunk] = halves[static_cast<std::size_t>(which)];
    auto decoded = segment.decode_current(chunk);
    if (decoded) count_chunk(chunk, part, counted);
    return decoded;
  });
  if (!done) return done;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    ranks[i] = halves[0].ranks[i];
    ranks[i].of += halves[1].ranks[i].of;
    ranks[i].rank += halves[1].ranks[i].rank - 1;
  }
  return {};
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
