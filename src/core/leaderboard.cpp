#include "core/leaderboard.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <mutex>

namespace ia {

namespace {

constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kSlotsMin = 64;

// The finalizer of SplitMix64: neighbours come to lie far apart.
std::uint64_t hash_of(InfluencerId id) {
  auto bits = number_of(id);
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
  return bits ^ bits >> 31;
}

}  // namespace

std::size_t Roster::slot_of(InfluencerId id) const {
  const auto mask = slots_.size() - 1;
  auto slot = static_cast<std::size_t>(hash_of(id)) & mask;
  while (slots_[slot] != kFree && ids_[slots_[slot]] != id) slot = (slot + 1) & mask;
  return slot;
}

std::optional<std::uint32_t> Roster::find(InfluencerId id) const {
  if (slots_.empty()) return std::nullopt;
  const auto index = slots_[slot_of(id)];
  return index == kFree ? std::nullopt : std::optional(index);
}

std::uint32_t Roster::add(InfluencerId id) {
  if (const auto known = find(id)) return *known;
  const auto index = static_cast<std::uint32_t>(ids_.size());
  ids_.push_back(id);
  if (2 * ids_.size() > slots_.size()) {
    widen();
  } else {
    slots_[slot_of(id)] = index;
  }
  return index;
}

void Roster::widen() {
  slots_.assign(std::max(kSlotsMin, 2 * slots_.size()), kFree);
  for (std::uint32_t index = 0; index < ids_.size(); ++index) slots_[slot_of(ids_[index])] = index;
}

std::optional<double> LeaderboardSnapshot::followers_average() const {
  if (order_.empty()) return std::nullopt;
  return static_cast<double>(followers_total_) / static_cast<double>(order_.size());
}

std::optional<double> LeaderboardSnapshot::followers_median() const {
  if (order_.empty()) return std::nullopt;
  const auto upper = counts_[order_[order_.size() / 2]].followers;
  const auto lower = counts_[order_[(order_.size() - 1) / 2]].followers;
  return (static_cast<double>(upper) + static_cast<double>(lower)) / 2;
}

std::string_view LeaderboardSnapshot::username_at(std::uint32_t index) const {
  return index < usernames_->size() ? (*usernames_)[index] : std::string_view{};
}

std::string_view LeaderboardSnapshot::username_of(InfluencerId id) const {
  const auto index = roster_->find(id);
  return index ? username_at(*index) : std::string_view{};
}

Standing LeaderboardSnapshot::standing(std::uint32_t index) const {
  return {.influencer = roster_->at(index),
          .username = username_at(index),
          .counts = counts_[index],
          .retrieved_at = retrieved_at_[index],
          .rank = ranks_[index].rank,
          .dense_rank = ranks_[index].dense_rank};
}

std::optional<Standing> LeaderboardSnapshot::find(InfluencerId id) const {
  const auto index = roster_->find(id);
  if (!index || ranks_[*index].rank == 0) return std::nullopt;
  return standing(*index);
}

std::optional<std::uint32_t> LeaderboardSnapshot::index_of(InfluencerId id) const {
  return roster_->find(id);
}

std::optional<Counts> LeaderboardSnapshot::counts_at(std::uint32_t index) const {
  if (ranks_[index].rank == 0) return std::nullopt;
  return counts_[index];
}

Standing LeaderboardSnapshot::at_position(std::size_t position) const {
  return standing(order_[position]);
}

std::size_t LeaderboardSnapshot::position_after(std::int64_t followers, InfluencerId id) const {
  const auto is_behind = [&](std::uint32_t index) {
    const auto own = counts_[index].followers;
    return own < followers || (own == followers && roster_->at(index) > id);
  };
  const auto first =
      std::ranges::partition_point(order_, [&](std::uint32_t index) { return !is_behind(index); });
  return static_cast<std::size_t>(first - order_.begin());
}

namespace {

// Username bytes in blocks that never move, so that views stay valid in older snapshots.
class NameArena {
 public:
  std::string_view keep(std::string_view name) {
    if (blocks_.empty() || used_ + name.size() > kBlockBytes) {
      blocks_.push_back(std::make_unique<char[]>(kBlockBytes));
      used_ = 0;
    }
    char* at = blocks_.back().get() + used_;
    std::memcpy(at, name.data(), name.size());
    used_ += name.size();
    return {at, name.size()};
  }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
  static_assert(kBlockBytes >= kUsernameBytesMax);
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t used_ = 0;
};

struct Key {
  std::int64_t followers;
  std::uint32_t index;
};

// Snapshots that nobody reads any more, kept for their memory: at a million influencers a fresh
// one would cost thousands of page faults a second.
class Spares {
 public:
  void give(std::unique_ptr<LeaderboardSnapshot> spare) {
    const std::scoped_lock lock(mutex_);
    if (spares_.size() < kKept) spares_.push_back(std::move(spare));
  }
  std::unique_ptr<LeaderboardSnapshot> take() {
    const std::scoped_lock lock(mutex_);
    if (spares_.empty()) return std::make_unique<LeaderboardSnapshot>();
    auto spare = std::move(spares_.back());
    spares_.pop_back();
    return spare;
  }

 private:
  static constexpr std::size_t kKept = 1;
  std::mutex mutex_;
  std::vector<std::unique_ptr<LeaderboardSnapshot>> spares_;
};

}  // namespace

// What snapshots share with the writer until it changes: then the writer goes on with a copy. At a
// million influencers, of whom none is new, that is one copy in place of two.
template <class Value>
class Shared {
 public:
  const Value& operator*() const { return *value_; }
  const Value* operator->() const { return value_.get(); }
  Value& to_change() {
    if (is_shared_) value_ = std::make_shared<Value>(*value_);
    is_shared_ = false;
    return *value_;
  }
  std::shared_ptr<const Value> share() {
    is_shared_ = true;
    return value_;
  }

 private:
  std::shared_ptr<Value> value_ = std::make_shared<Value>();
  bool is_shared_ = false;
};

struct Leaderboard::State {
  Shared<Roster> roster;
  Shared<std::vector<std::string_view>> usernames;  // may end before the roster does
  std::vector<Counts> counts;
  std::vector<WallTime> retrieved_at;
  std::shared_ptr<NameArena> arena = std::make_shared<NameArena>();
  std::int64_t followers_total = 0;
  std::int64_t following_total = 0;
  WallTime newest{};
  WallTime now = WallTime::max();

  std::vector<Key> keys;  // as published: most followers first
  std::vector<std::uint32_t> changed;
  std::vector<char> is_changed;

  std::uint64_t version = 0;
  std::shared_ptr<Spares> spares = std::make_shared<Spares>();

  std::uint32_t index_of(InfluencerId id) {
    if (const auto known = roster->find(id)) return *known;
    counts.emplace_back();
    retrieved_at.emplace_back();
    is_changed.push_back(0);
    return roster.to_change().add(id);
  }

  bool is_before(const Key& a, const Key& b) const {
    if (a.followers != b.followers) return a.followers > b.followers;
    return roster->at(a.index) < roster->at(b.index);
  }

  bool is_newer(WallTime time, WallTime known) const {
    const bool is_of_now = time <= now;
    const bool is_known_of_now = known <= now;
    if (known == WallTime{} || is_of_now == is_known_of_now) return time > known;
    return is_of_now;
  }

  // What did not change is in order still: sort the rest and merge.
  // Those that lost their value are no longer in it.
  void reorder() {
    if (changed.empty()) return;
    const auto before = [this](const Key& a, const Key& b) { return is_before(a, b); };
    std::erase_if(keys, [this](const Key& key) { return is_changed[key.index] != 0; });
    std::vector<Key> moved;
    moved.reserve(changed.size());
    for (const auto index : changed) {
      if (retrieved_at[index] != WallTime{}) moved.push_back({counts[index].followers, index});
      is_changed[index] = 0;
    }
    changed.clear();
    std::ranges::sort(moved, before);
    merge_from_back(moved, before);
  }

  void mark_changed(std::uint32_t index) {
    if (is_changed[index] != 0) return;
    is_changed[index] = 1;
    changed.push_back(index);
  }

  template <class Before>
  void merge_from_back(const std::vector<Key>& moved, Before before) {
    auto kept = keys.size();
    auto rest = moved.size();
    keys.resize(kept + rest);
    for (auto to = keys.size(); rest > 0;) {
      const bool take_kept = kept > 0 && before(moved[rest - 1], keys[kept - 1]);
      keys[--to] = take_kept ? keys[--kept] : moved[--rest];
    }
  }
};

Leaderboard::Leaderboard() : state_(std::make_unique<State>()) {}
Leaderboard::~Leaderboard() = default;

void Leaderboard::set_now(WallTime now) { state_->now = now; }

void Leaderboard::apply(InfluencerId id, Counts counts, WallTime retrieved_at) {
  auto& s = *state_;
  const auto index = s.index_of(id);
  if (!s.is_newer(retrieved_at, s.retrieved_at[index])) return;
  s.followers_total += counts.followers - s.counts[index].followers;
  s.following_total += counts.following - s.counts[index].following;
  s.counts[index] = counts;
  s.retrieved_at[index] = retrieved_at;
  if (retrieved_at <= s.now) s.newest = std::max(s.newest, retrieved_at);
  s.mark_changed(index);
}

void Leaderboard::forget_unwatched(const InfluencerSet& watched, WallTime since) {
  auto& s = *state_;
  for (std::uint32_t index = 0; index < s.counts.size(); ++index) {
    const auto heard_at = s.retrieved_at[index];
    if (heard_at == WallTime{} || heard_at >= since || watched.contains(s.roster->at(index))) {
      continue;
    }
    s.followers_total -= s.counts[index].followers;
    s.following_total -= s.counts[index].following;
    s.counts[index] = {};
    s.retrieved_at[index] = {};
    s.mark_changed(index);
  }
}

void Leaderboard::apply(const PointBatch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    apply(batch.influencers[i], {batch.followers[i], batch.following[i]}, batch.retrieved_at);
  }
  for (const auto& username : batch.usernames) set_username(username.influencer, username.name);
}

void Leaderboard::set_username(InfluencerId id, std::string_view name) {
  auto& s = *state_;
  const auto index = s.index_of(id);
  const auto& known = *s.usernames;
  if (name.size() > kUsernameBytesMax) return;
  if (name == (index < known.size() ? known[index] : std::string_view{})) return;
  auto& names = s.usernames.to_change();
  names.resize(std::max<std::size_t>(names.size(), index + 1));
  names[index] = s.arena->keep(name);
}

const Roster& Leaderboard::roster() const { return *state_->roster; }

std::shared_ptr<const LeaderboardSnapshot> Leaderboard::publish(WallTime now) {
  auto& s = *state_;
  s.reorder();
  auto spare = s.spares->take();
  spare->version_ = ++s.version;
  spare->published_at_ = now;
  spare->newest_ = s.newest;
  spare->followers_total_ = s.followers_total;
  spare->following_total_ = s.following_total;
  spare->roster_ = s.roster.share();
  spare->usernames_ = s.usernames.share();
  spare->username_bytes_ = s.arena;
  spare->counts_ = s.counts;
  spare->retrieved_at_ = s.retrieved_at;
  spare->order_.resize(s.keys.size());
  spare->ranks_.assign(s.counts.size(), {});
  LeaderboardSnapshot::Ranks ranks;
  for (std::size_t i = 0; i < s.keys.size(); ++i) {
    if (i == 0 || s.keys[i].followers != s.keys[i - 1].followers) {
      ranks = {static_cast<std::uint32_t>(i + 1), ranks.dense_rank + 1};
    }
    spare->order_[i] = s.keys[i].index;
    spare->ranks_[s.keys[i].index] = ranks;
  }
  return {spare.release(), [spares = s.spares](LeaderboardSnapshot* done) {
            // A newer one may have copies of these.
            done->roster_.reset();
            done->usernames_.reset();
            spares->give(std::unique_ptr<LeaderboardSnapshot>(done));
          }};
}

}  // namespace ia
