#include "adapters/sqlite_store_presence.h"

#include <bit>
#include <numeric>

namespace ia::sqlite_store {
namespace {

constexpr std::uint64_t kNoKey = ~std::uint64_t{0};  // ids are below 2^63
constexpr std::size_t kFirstSlots = 64;

static_assert(kMissReasonCount <= 16, "reasons are kept in four bits");

}  // namespace

GroupIndex::GroupIndex() : table_(kFirstSlots, Entry{kNoKey, 0}) {}

std::size_t GroupIndex::slot_of(std::uint64_t key) const {
  const auto shift = 64 - std::countr_zero(table_.size());
  auto slot = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15) >> shift);
  while (table_[slot].key != key && table_[slot].key != kNoKey) {
    slot = (slot + 1) & (table_.size() - 1);
  }
  return slot;
}

std::uint32_t GroupIndex::find_or_add(std::uint64_t key) {
  auto slot = slot_of(key);
  if (table_[slot].key == key) return table_[slot].index;
  if ((size_ + 1) * 2 > table_.size()) {
    grow();
    slot = slot_of(key);
  }
  table_[slot] = {key, static_cast<std::uint32_t>(size_++)};
  return table_[slot].index;
}

void GroupIndex::grow() {
  std::vector<Entry> old(table_.size() * 2, Entry{kNoKey, 0});
  old.swap(table_);
  for (const auto& entry : old) {
    if (entry.key != kNoKey) table_[slot_of(entry.key)] = entry;
  }
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
