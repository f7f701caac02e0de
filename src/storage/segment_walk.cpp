#include "storage/segment_walk.h"

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

// Goes on behind a page that is damaged. Pages hold neighbours, so the ids from which a walk fails
// are one range, whose end is searched for.
Status skip_damage(SegmentReader& segment, const SegmentPart& part, IdRange influencers,
                   MinuteRange wanted) {
  const auto last = number_of(influencers.last);
  auto bad = number_of(influencers.first);
  if (bad > last) return {};
  const auto is_whole_from = [&](std::uint64_t id) {
    return segment.begin_walk(part, {InfluencerId{id}, influencers.last}, wanted).has_value();
  };
  auto good = bad;
  for (std::uint64_t step = 1; good < last && !is_whole_from(good); step *= 2) {
    bad = good;
    good = step > last - good ? last : good + step;
  }
  while (good - bad > 1) {
    const auto middle = bad + (good - bad) / 2;
    (is_whole_from(middle) ? good : bad) = middle;
  }
  const auto begun = segment.begin_walk(part, {InfluencerId{good}, influencers.last}, wanted);
  if (!begun && begun.error().code == Errc::kCorrupt) return segment.end_walk();
  return begun;
}

struct Walk {
  SegmentPart part;
  MinuteRange wanted;
};

// Calls visit() at each of the chunks; leaves `is_damaged` true when some cannot be read.
template <class Visit>
Status walk(SegmentReader& segment, const Walk& what, IdRange influencers, const GoOn& go_on,
            bool& is_damaged, Visit visit) {
  const auto& [part, wanted] = what;
  std::size_t seen = 0;
  auto from = influencers.first;
  auto moved = segment.begin_walk(part, influencers, wanted);
  while (true) {
    if (!moved && moved.error().code == Errc::kCorrupt) {
      is_damaged = true;
      moved = skip_damage(segment, part, {from, influencers.last}, wanted);
    }
    if (!moved || !segment.current()) return moved;
    if (seen++ % kAskEvery == 0) {
      if (auto asked = check_go_on(go_on); !asked) return asked;
    }
    from = InfluencerId{number_of(*segment.current()) + 1};
    const auto visited = visit(segment);
    if (!visited && visited.error().code != Errc::kCorrupt) return visited;
    if (!visited) is_damaged = true;
    moved = segment.next();
  }
}

// Calls visit(segment, half) at each of the chunks: the lower half of the influencers by this
// thread, the upper one by another.
template <class Visit>
Status walk_halves(Walked& walked, const Walk& what, const GoOn& go_on, bool& is_damaged,
                   Visit visit) {
  Result<InfluencerId> middle = kEverybody.last;
  if (walked.second) middle = walked.segment.middle_of(what.part);
  if (!middle && middle.error().code == Errc::kCorrupt) middle = kEverybody.last;
  if (!middle) return std::unexpected(middle.error());
  const auto walk_lower = [&] {
    return walk(walked.segment, what, {kEverybody.first, *middle}, go_on, is_damaged,
                [&](SegmentReader& segment) { return visit(segment, 0); });
  };
  if (*middle == kEverybody.last) return walk_lower();
  Status upper;
  bool is_upper_damaged = false;
  std::exception_ptr thrown;
  std::atomic<bool> is_done = false;
  std::jthread helper([&](const std::stop_token& stop) {  // ends with this scope, come what may
    try {
      const InfluencerId above{number_of(*middle) + 1};
      upper = walk(
          *walked.second, what, {above, kEverybody.last}, [&] { return !stop.stop_requested(); },
          is_upper_damaged, [&](SegmentReader& segment) { return visit(segment, 1); });
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
  is_damaged = is_damaged || is_upper_damaged;
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
  bool is_damaged = false;
  const auto visit = [&](SegmentReader& segment, int which) {
    auto& [columns, scratch] = halves[static_cast<std::size_t>(which)];
    const auto counts = segment.decode_current_value(offset, scratch);
    if (!counts) return Status{std::unexpected(counts.error())};
    if (!*counts) return Status{};
    columns.influencers.push_back(*segment.current());
    columns.followers.push_back((*counts)->followers);
    columns.following.push_back((*counts)->following);
    return Status{};
  };
  const MinuteRange wanted{minute, minute + std::chrono::minutes{1}};
  const auto done = walk_halves(walked, {part, wanted}, go_on, is_damaged, visit);
  if (!done) return std::unexpected(done.error());
  append_columns(halves[1].columns, halves[0].columns);
  halves[0].columns.damaged = is_damaged;
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
  bool is_damaged = false;
  const auto visit = [&](SegmentReader& segment, int which) {
    auto& [counted, chunk] = halves[static_cast<std::size_t>(which)];
    auto decoded = segment.decode_current(chunk);
    if (decoded) count_chunk(chunk, part, counted);
    return decoded;
  };
  const MinuteRange wanted{ranks.front().minute, ranks.back().minute + std::chrono::minutes{1}};
  const auto done = walk_halves(walked, {part, wanted}, go_on, is_damaged, visit);
  if (!done) return done;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    ranks[i] = halves[0].ranks[i];
    ranks[i].of += halves[1].ranks[i].of;
    ranks[i].rank += halves[1].ranks[i].rank - 1;
    ranks[i].damaged = ranks[i].damaged || is_damaged;
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
  to.damaged = to.damaged || from.damaged;
}

}  // namespace ia::sqlite_store
