#include "core/movers.h"

#include <algorithm>
#include <cstdlib>

namespace ia {
namespace {

// Of two changes in the same direction.
bool is_larger(const Mover& a, const Mover& b) {
  if (a.change() != b.change()) return std::abs(a.change()) > std::abs(b.change());
  return a.influencer < b.influencer;
}

bool is_larger_part(const Mover& a, const Mover& b) {
  if (a.percent() != b.percent()) return std::abs(a.percent()) > std::abs(b.percent());
  return is_larger(a, b);
}

// The best few of many: a heap with the weakest of them in front.
template <bool (*IsBefore)(const Mover&, const Mover&)>
class Best {
 public:
  explicit Best(std::size_t kept) : kept_(kept) {}

  void offer(const Mover& mover) {
    if (heap_.size() == kept_) {
      if (kept_ == 0 || !IsBefore(mover, heap_.front())) return;
      std::ranges::pop_heap(heap_, IsBefore);
      heap_.pop_back();
    }
    heap_.push_back(mover);
    std::ranges::push_heap(heap_, IsBefore);
  }

  std::vector<Mover> in_order() && {
    std::ranges::sort_heap(heap_, IsBefore);
    return std::move(heap_);
  }

 private:
  std::size_t kept_;
  std::vector<Mover> heap_;
};

}  // namespace

void MoversBase::add(const LeaderboardSnapshot& board, std::span<const InfluencerId> influencers,
                     std::span<const std::int64_t> followers) {
  if (followers_.size() < board.index_end()) followers_.resize(board.index_end(), -1);
  for (std::size_t i = 0; i < influencers.size(); ++i) {
    const auto index = board.index_of(influencers[i]);
    if (index && followers_[*index] < 0) followers_[*index] = followers[i];
  }
}

Movers find_movers(const LeaderboardSnapshot& board, const MoversBase& base,
                   const MoversOptions& options) {
  Movers movers{.since = base.minute(),
                .is_damaged = base.is_damaged(),
                .as_of = board.newest_retrieved_at(),
                .percent_base_min = std::max<std::int64_t>(options.percent_base_min, 1),
                .absolute = {},
                .percent = {}};
  Best<is_larger> up(options.kept);
  Best<is_larger> down(options.kept);
  Best<is_larger_part> up_part(options.kept);
  Best<is_larger_part> down_part(options.kept);
  for (std::uint32_t index = 0; index < board.index_end(); ++index) {
    const auto before = base.followers(index);
    const auto now = board.counts_at(index);
    if (!before || !now) continue;
    ++movers.compared;
    const Mover mover{board.influencer_at(index), *before, now->followers};
    const auto change = mover.change();
    if (change == 0) continue;
    const bool has_part = *before >= movers.percent_base_min;
    (change > 0 ? movers.risen : movers.fallen) += 1;
    (change > 0 ? movers.ups : movers.downs) += change;
    (change > 0 ? up : down).offer(mover);
    if (has_part) (change > 0 ? up_part : down_part).offer(mover);
  }
  movers.absolute = {std::move(up).in_order(), std::move(down).in_order()};
  movers.percent = {std::move(up_part).in_order(), std::move(down_part).in_order()};
  return movers;
}

}  // namespace ia
