#include "adapters/sqlite_store_walk.h"

namespace ia::sqlite_store {

Status check_go_on(const GoOn& go_on) {
  if (!go_on || go_on()) return {};
  return fail(Errc::kCancelled, "the read of a minute was abandoned");
}

Result<MinuteColumns> walk_segment(SegmentReader& segment, Minute minute, const GoOn& go_on) {
  const auto offset = segment.info().offset_of(minute);
  MinuteColumns columns;
  Chunk scratch;
  std::size_t seen = 0;
  auto moved = segment.begin_walk();
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

void append_columns(const MinuteColumns& from, MinuteColumns& to) {
  const auto append = [](const auto& column, auto& out) {
    out.insert(out.end(), column.begin(), column.end());
  };
  append(from.influencers, to.influencers);
  append(from.followers, to.followers);
  append(from.following, to.following);
}

}  // namespace ia::sqlite_store
