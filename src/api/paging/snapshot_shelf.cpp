#include "api/paging/snapshot_shelf.h"

#include <algorithm>

namespace ia {

void SnapshotShelf::drop_old(MonoTime now) {
  std::erase_if(kept_, [now](const Kept& kept) { return now - kept.handed_out_at > kKeptFor; });
}

std::size_t SnapshotShelf::kept_max(std::size_t influencers) {
  const auto bytes = std::max<std::size_t>(influencers * kBytesOfInfluencer, 1);
  return std::clamp<std::size_t>(kBytesMax / bytes, 1, kKeptMax);
}

SnapshotShelf::Snapshot SnapshotShelf::for_first_page(Snapshot current, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  drop_old(now);
  const auto shared_for = kept_max(current->size()) == 1 ? 2 * kSharedFor : kSharedFor;
  const auto newest = std::ranges::max_element(kept_, {}, &Kept::handed_out_at);
  if (newest == kept_.end() || now - newest->handed_out_at > shared_for) return current;
  return newest->snapshot;
}

void SnapshotShelf::keep(const Snapshot& snapshot, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  drop_old(now);
  const auto known = std::ranges::find(kept_, snapshot, &Kept::snapshot);
  if (known != kept_.end()) {
    known->used_at = now;
    return;
  }
  while (kept_.size() >= kept_max(snapshot->size())) {
    kept_.erase(std::ranges::min_element(kept_, {}, &Kept::used_at));
  }
  kept_.push_back({snapshot, now, now});
}

SnapshotShelf::Snapshot SnapshotShelf::find(const Cursor& cursor, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  drop_old(now);
  const auto found = std::ranges::find_if(kept_, [&](const Kept& kept) {
    return kept.snapshot->version() == cursor.version &&
           kept.snapshot->published_at() == cursor.published_at;
  });
  if (found == kept_.end()) return nullptr;
  found->used_at = now;
  return found->snapshot;
}

}  // namespace ia
