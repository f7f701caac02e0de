#include "adapters/postgres/draft.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <tuple>

#include "adapters/postgres/append.h"

namespace ia::postgres {
namespace {

constexpr std::int64_t kSumMax = std::numeric_limits<std::int64_t>::max();

template <class Items, class Projection>
bool is_ascending(const Items& items, Projection projection) {
  return std::ranges::adjacent_find(items, std::ranges::greater_equal{}, projection) == items.end();
}

bool is_count(std::int64_t value) { return 0 <= value && value <= kCountMax; }
bool is_id(InfluencerId id) { return number_of(id) <= kInfluencerIdMax; }
bool is_reason(MissReason reason) { return static_cast<std::size_t>(reason) < kMissReasonCount; }

bool has_value(const PointBatch& batch, InfluencerId influencer) {
  return std::ranges::binary_search(batch.influencers, influencer);
}

const char* flaw_of(const PointBatch& batch) {
  const auto is_missed_too = [&](const Miss& miss) { return has_value(batch, miss.influencer); };
  if (batch.followers.size() != batch.size() || batch.following.size() != batch.size()) {
    return "its columns differ in length";
  }
  if (batch.minute < kFirstMinute || kEndMinute <= batch.minute) return "its minute is no date";
  if (minute_of(batch.retrieved_at) != batch.minute) return "it was not retrieved in its minute";
  if (!is_ascending(batch.influencers, std::identity{}) ||
      !is_ascending(batch.misses, &Miss::influencer)) {
    return "its influencers are not in ascending order";
  }
  if (!std::ranges::all_of(batch.influencers, is_id) ||
      !std::ranges::all_of(batch.misses, is_id, &Miss::influencer) ||
      !std::ranges::all_of(batch.usernames, is_id, &Username::influencer)) {
    return "an influencer id is above 2^63 - 1";
  }
  if (!std::ranges::all_of(batch.followers, is_count) ||
      !std::ranges::all_of(batch.following, is_count)) {
    return "a count is not in 0 to 2^53 - 1";
  }
  if (!std::ranges::all_of(batch.misses, is_reason, &Miss::reason)) {
    return "a reason of a miss is not known here";
  }
  if (std::ranges::any_of(batch.misses, is_missed_too)) {
    return "an influencer is both stored and missed";
  }
  return nullptr;
}

void add_saturating(std::int64_t& sum, std::int64_t value) {
  if (__builtin_add_overflow(sum, value, &sum)) sum = kSumMax;
}

std::int64_t signed_of(InfluencerId id) { return static_cast<std::int64_t>(number_of(id)); }

InfluencerId first_id(const PointBatch& batch) {
  return batch.influencers.empty() ? InfluencerId{} : batch.influencers.front();
}

template <class T>
std::span<const T> view(const std::vector<T>& values) {
  return values;
}

}  // namespace

Status check_batch(const PointBatch& batch) {
  const auto* flaw = flaw_of(batch);
  if (flaw == nullptr) return {};
  return fail(Errc::kInvalid, std::string("store: a batch is refused: ") + flaw);
}

Draft::Draft(std::span<const PointBatch> batches, std::span<const PointPlace> repeats,
             const Registry& registry, Minute horizon) {
  std::vector<std::size_t> order(batches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t number) {
    return std::tuple(batches[number].minute, first_id(batches[number]), number);
  });
  for (const auto& batch : batches) {
    if (batch.minute < horizon) continue;
    add_misses(batch);
    add_names(batch);
  }
  for (const auto number : order) {
    const auto& batch = batches[number];
    if (batch.minute < horizon) {
      expired_ += batch.size();
      continue;
    }
    const auto [account, is_new] = accounts_.try_emplace(batch.minute);
    if (is_new && registry.epoch > 0) {
      account->second.due = static_cast<std::int64_t>(registry.due_in(batch.minute));
    }
    add(batch, number, repeats);
  }
}

void Draft::add(const PointBatch& batch, std::size_t number, std::span<const PointPlace> repeats) {
  const auto first_kept = ids_.size();
  add_points(batch, number, repeats, accounts_[batch.minute]);
  const bool is_news =
      ids_.size() > first_kept || !batch.misses.empty() || !batch.usernames.empty();
  if (is_news) add_to_tail(batch, first_kept);
}

void Draft::add_points(const PointBatch& batch, std::size_t number,
                       std::span<const PointPlace> repeats, Account& account) {
  const auto before = ids_.size();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PointPlace place{number, i};
    if (std::ranges::binary_search(repeats, place)) continue;
    places_.push_back(place);
    minutes_.push_back(batch.minute);
    ids_.push_back(signed_of(batch.influencers[i]));
    followers_.push_back(batch.followers[i]);
    following_.push_back(batch.following[i]);
    add_saturating(account.followers_sum, batch.followers[i]);
    add_saturating(account.following_sum, batch.following[i]);
  }
  const auto kept = ids_.size() - before;
  const auto left_out = batch.size() - kept;
  repeats_ += left_out;
  account.repeats += static_cast<std::int64_t>(left_out);
  account.stored += static_cast<std::int64_t>(kept);
  if (kept == 0) return;
  account.first_retrieved = std::min(account.first_retrieved, batch.retrieved_at);
  account.last_retrieved = std::max(account.last_retrieved, batch.retrieved_at);
}

void Draft::add_misses(const PointBatch& batch) {
  for (const auto& [influencer, reason] : batch.misses) {
    miss_minutes_.push_back(batch.minute);
    miss_ids_.push_back(signed_of(influencer));
    miss_reasons_.push_back(static_cast<std::int64_t>(reason));
  }
}

void Draft::add_names(const PointBatch& batch) {
  for (const auto& [influencer, name] : batch.usernames) {
    const auto [known, is_new] = names_.try_emplace(influencer, Name{name, batch.retrieved_at});
    if (!is_new && batch.retrieved_at >= known->second.retrieved_at) {
      known->second = {name, batch.retrieved_at};
    }
  }
}

// What followers get: the batch without its repeats.
void Draft::add_to_tail(const PointBatch& batch, std::size_t first_kept) {
  const auto kept = ids_.size() - first_kept;
  batch_minutes_.push_back(batch.minute);
  batch_retrieved_.push_back(batch.retrieved_at);
  batch_firsts_.push_back(kept == 0 ? 0 : ids_[first_kept]);
  batch_lasts_.push_back(kept == 0 ? -1 : ids_.back());
  batch_points_.push_back(static_cast<std::int64_t>(kept));
  if (kept == batch.size()) {
    batch_data_.push_back(encode(batch));
    return;
  }
  PointBatch rest{.minute = batch.minute,
                  .retrieved_at = batch.retrieved_at,
                  .influencers = {},
                  .followers = {},
                  .following = {},
                  .misses = batch.misses,
                  .usernames = batch.usernames};
  for (auto i = first_kept; i < ids_.size(); ++i) {
    rest.influencers.push_back(InfluencerId{static_cast<std::uint64_t>(ids_[i])});
    rest.followers.push_back(followers_[i]);
    rest.following.push_back(following_[i]);
  }
  batch_data_.push_back(encode(rest));
}

Params Draft::append_params(std::uint64_t epoch) const {
  std::vector<Minute> minutes;
  std::vector<std::int64_t> due, stored, repeats, followers_sum, following_sum;
  std::vector<WallTime> first_retrieved, last_retrieved;
  for (const auto& [minute, account] : accounts_) {
    minutes.push_back(minute);
    due.push_back(account.due);
    stored.push_back(account.stored);
    repeats.push_back(account.repeats);
    followers_sum.push_back(account.followers_sum);
    following_sum.push_back(account.following_sum);
    const bool is_told = account.stored > 0;
    first_retrieved.push_back(is_told ? account.first_retrieved : WallTime{minute});
    last_retrieved.push_back(is_told ? account.last_retrieved : WallTime{minute});
  }
  std::vector<std::int64_t> name_ids;
  std::vector<std::string_view> names;
  std::vector<WallTime> name_retrieved;
  for (const auto& [influencer, name] : names_) {
    name_ids.push_back(signed_of(influencer));
    names.push_back(name.name);
    name_retrieved.push_back(name.retrieved_at);
  }
  Params params;
  params.add(static_cast<std::int64_t>(epoch));
  params.add(view(minutes_)).add(view(ids_)).add(view(followers_)).add(view(following_));
  params.add(view(miss_minutes_)).add(view(miss_ids_)).add(view(miss_reasons_));
  params.add(view(batch_minutes_)).add(view(batch_retrieved_)).add(view(batch_firsts_));
  params.add(view(batch_lasts_)).add(view(batch_points_)).add_bytes(view(batch_data_));
  params.add(view(minutes)).add(view(due)).add(view(stored)).add(view(repeats));
  params.add(view(followers_sum)).add(view(following_sum));
  params.add(view(first_retrieved)).add(view(last_retrieved));
  params.add(view(name_ids)).add(view(names)).add(view(name_retrieved));
  return params;
}

Params Draft::present_params() const {
  Params params;
  params.add(view(minutes_)).add(view(ids_));
  return params;
}

std::vector<PointPlace> Draft::repeated(std::span<const std::int64_t> present) const {
  std::vector<PointPlace> places;
  std::vector<bool> is_present(ids_.size(), false);
  for (const auto place : present) is_present.at(static_cast<std::size_t>(place - 1)) = true;
  std::vector<std::size_t> order(ids_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [this](std::size_t index) { return std::pair(minutes_[index], ids_[index]); };
  // The first in the order given is the one that stays.
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(key(i), places_[i]); });
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool stands_before = i > 0 && key(order[i - 1]) == key(order[i]);
    if (stands_before || is_present[order[i]]) places.push_back(places_[order[i]]);
  }
  std::ranges::sort(places);
  return places;
}

}  // namespace ia::postgres
