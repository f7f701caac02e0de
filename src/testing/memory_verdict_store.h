#pragma once

#include <map>
#include <mutex>

#include "ports/verdict_store.h"

namespace ia {

// The VerdictStore port in memory: the reference of its contract.
class MemoryVerdictStore final : public VerdictStore {
 public:
  Status put(std::span<const Verdict> verdicts) override {
    const std::scoped_lock lock(mutex_);
    if (fail_next_ > 0) {
      --fail_next_;
      return fail(Errc::kUnavailable, "the verdicts are away");
    }
    for (const auto& verdict : verdicts) put_one(verdict);
    return {};
  }

  Result<VerdictPage> read(VerdictCursor from, std::size_t count_max) const override {
    const std::scoped_lock lock(mutex_);
    VerdictPage page{.verdicts = {}, .cursor = from};
    for (auto it = by_position_.upper_bound(from.position);
         it != by_position_.end() && page.verdicts.size() < count_max; ++it) {
      page.verdicts.push_back(it->second);
      page.cursor.position = it->first;
    }
    return page;
  }

  Result<std::optional<std::uint64_t>> take_turn() override {
    const std::scoped_lock lock(mutex_);
    return turn_;
  }

  // Nothing: it is somebody else's.
  void set_turn(std::optional<std::uint64_t> number) {
    const std::scoped_lock lock(mutex_);
    turn_ = number;
  }
  // The next `count` puts do nothing and give kUnavailable.
  void fail_next(std::size_t count) { fail_next_ = count; }

 private:
  void put_one(Verdict verdict) {
    verdict.changed_at = verdict.checked_at;
    if (const auto known = positions_.find(verdict.influencer); known != positions_.end()) {
      const auto& old = by_position_.at(known->second);
      if (verdict.checked_at <= old.checked_at) return;
      if (verdict.suspicious == old.suspicious) verdict.changed_at = old.changed_at;
      by_position_.erase(known->second);
    }
    positions_[verdict.influencer] = ++newest_;
    by_position_[newest_] = verdict;
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Verdict> by_position_;
  std::map<InfluencerId, std::uint64_t> positions_;
  std::uint64_t newest_ = 0;
  std::size_t fail_next_ = 0;
  std::optional<std::uint64_t> turn_ = 1;
};

}  // namespace ia
