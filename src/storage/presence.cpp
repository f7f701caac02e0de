#include "storage/presence.h"

#include <iterator>
#include <numeric>

namespace ia::sqlite_store {
namespace {

// Fewer ids are not worth a block of their own.
constexpr std::size_t kBlockMin = 32;

static_assert(kMissReasonCount <= 16, "reasons are kept in four bits");

}  // namespace

const IdNumbers::Block* IdNumbers::block_of(std::uint64_t id) const {
  const auto after = blocks_.upper_bound(id);
  if (after == blocks_.begin()) return nullptr;
  const auto& block = std::prev(after)->second;
  return id <= number_of(block.ids.last) ? &block : nullptr;
}

const IdNumbers::Block* IdNumbers::run_of(std::uint64_t id) const {
  const auto* block = block_of(id);
  return block != nullptr && block->listed.empty() ? block : nullptr;
}

std::uint32_t IdNumbers::find_or_add(InfluencerId id) {
  std::uint32_t number = 0;
  const auto* block = block_of(number_of(id));
  if (block == nullptr) return number_alone(id);
  number_in(*block, std::span(&id, 1), &number);
  return number;
}

void IdNumbers::find_or_add(std::span<const InfluencerId> ids,
                            std::vector<std::uint32_t>& numbers) {
  numbers.resize(ids.size());
  for (std::size_t begin = 0; begin < ids.size();) {
    const auto rest = ids.subspan(begin);
    if (const auto* block = block_of(number_of(rest.front()))) {
      begin += number_in(*block, rest, &numbers[begin]);
      continue;
    }
    const auto next = blocks_.upper_bound(number_of(rest.front()));
    const auto end = next == blocks_.end()
                         ? rest.end()
                         : std::ranges::lower_bound(rest, next->second.ids.first);
    const auto count = static_cast<std::size_t>(end - rest.begin());
    number_between_blocks(rest.first(count), &numbers[begin]);
    begin += count;
  }
}

std::size_t IdNumbers::number_in(const Block& block, std::span<const InfluencerId> ids,
                                 std::uint32_t* numbers) {
  const auto& listed = block.listed;
  std::size_t at = 0;
  std::size_t count = 0;
  for (; count < ids.size() && ids[count] <= block.ids.last; ++count) {
    const auto id = ids[count];
    if (listed.empty()) {
      at = number_of(id) - number_of(block.ids.first);
    } else if (at == listed.size() || listed[at] != id) {
      const auto from = listed.begin() + static_cast<std::ptrdiff_t>(at);
      at = static_cast<std::size_t>(std::lower_bound(from, listed.end(), id) - listed.begin());
      if (listed[at] != id) {
        numbers[count] = number_alone(id);
        continue;
      }
    }
    numbers[count] = block.begin + static_cast<std::uint32_t>(at++);
  }
  return count;
}

void IdNumbers::number_between_blocks(std::span<const InfluencerId> ids, std::uint32_t* numbers) {
  const auto is_known = [&](InfluencerId id) { return alone_.find(id).has_value(); };
  if (ids.size() < kBlockMin || std::ranges::any_of(ids, is_known)) {
    std::ranges::transform(ids, numbers, [&](InfluencerId id) { return number_alone(id); });
    return;
  }
  Block block{.ids = {ids.front(), ids.back()}, .begin = size_, .listed = {}};
  if (block.ids.size() != ids.size()) block.listed.assign(ids.begin(), ids.end());
  std::iota(numbers, numbers + ids.size(), size_);
  size_ += static_cast<std::uint32_t>(ids.size());
  blocks_.emplace(number_of(ids.front()), std::move(block));
}

std::uint32_t IdNumbers::number_alone(InfluencerId id) {
  const auto index = alone_.add(id);
  if (index == alone_numbers_.size()) alone_numbers_.push_back(size_++);
  return alone_numbers_[index];
}

bool IdBits::has_all(std::uint32_t first, std::uint64_t count) const {
  for (auto number = std::uint64_t{first}; number < first + count;) {
    const auto shift = number % 64;
    const auto taken = std::min(64 - shift, first + count - number);
    const auto mask = (taken == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << taken) - 1) << shift;
    if (mask & ~get(static_cast<std::uint32_t>(number / 64))) return false;
    number += taken;
  }
  return true;
}

void IdBits::add(std::uint32_t group, std::uint64_t bits) {
  if (group >= words_.size()) words_.resize(group + 1);
  words_[group] |= bits;
}

void IdBits::remove(std::uint32_t group, std::uint64_t bits) {
  if (group < words_.size()) words_[group] &= ~bits;
}

MissReason Presence::reason(std::uint32_t group, std::uint64_t bit) const {
  unsigned number = 0;
  for (unsigned digit = 0; digit < reason_.size(); ++digit) {
    if (reason_[digit].get(group) & bit) number |= 1u << digit;
  }
  return static_cast<MissReason>(number);
}

void Presence::set_present(std::uint32_t group, std::uint64_t bits) {
  present_.add(group, bits);
  if (missed_.get(group) & bits) {
    missed_.remove(group, bits);
    for (auto& digit : reason_) digit.remove(group, bits);
  }
}

void Presence::set_missed(std::uint32_t group, std::uint64_t bits, MissReason reason) {
  missed_.add(group, bits);
  for (unsigned digit = 0; digit < reason_.size(); ++digit) {
    if (static_cast<unsigned>(reason) >> digit & 1) reason_[digit].add(group, bits);
  }
}

std::size_t Presence::bytes() const {
  return std::accumulate(reason_.begin(), reason_.end(),
                         present_.bytes() + missed_.bytes() + looked_up_.bytes(),
                         [](auto sum, const auto& digit) { return sum + digit.bytes(); });
}

}  // namespace ia::sqlite_store
