#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/miss.h"
#include "core/point.h"

// Which influencers have a value or a miss in a minute, in RAM. Nothing here knows of files.
namespace ia::sqlite_store {

// Up to 64 neighbouring ids, as bits of a word.
struct IdGroup {
  std::uint64_t key;   // ids / 64
  std::uint64_t mask;  // bit id % 64 for each id
  std::size_t begin;   // their indexes in the list
  std::size_t end;
};

// Calls visit(IdGroup) for each group of an ascending list.
template <class Items, class IdOf, class Visit>
void for_each_group(const Items& items, IdOf id_of, Visit visit) {
  for (std::size_t begin = 0; begin < items.size();) {
    IdGroup group{number_of(id_of(items[begin])) / 64, 0, begin, begin};
    while (group.end < items.size() && number_of(id_of(items[group.end])) / 64 == group.key) {
      group.mask |= std::uint64_t{1} << (number_of(id_of(items[group.end])) % 64);
      ++group.end;
    }
    visit(group);
    begin = group.end;
  }
}

// Numbers groups of 64 ids in the order in which they become known: a million ids in a row are
// 15,625 groups, a million scattered ones as many as ids. 16 to 32 bytes a group. Only grows.
class GroupIndex {
 public:
  GroupIndex();
  std::uint32_t find_or_add(std::uint64_t key);
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t index;
  };
  std::size_t slot_of(std::uint64_t key) const;
  void grow();

  std::vector<Entry> table_;  // open addressing, a power of two
  std::size_t size_ = 0;
};

// A set of ids by (group, bits).
class IdBits {
 public:
  std::uint64_t get(std::uint32_t group) const { return group < words_.size() ? words_[group] : 0; }
  void add(std::uint32_t group, std::uint64_t bits);
  void remove(std::uint32_t group, std::uint64_t bits);
  std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

 private:
  std::vector<std::uint64_t> words_;
};

// One minute: who has a value, who was missed and why. A bit an influencer, up to five more when
// there are misses.
class Presence {
 public:
  std::uint64_t present(std::uint32_t group) const { return present_.get(group); }
  std::uint64_t missed(std::uint32_t group) const { return missed_.get(group); }
  // Of one bit that is missed.
  MissReason reason(std::uint32_t group, std::uint64_t bit) const;
  // Takes misses back.
  void set_present(std::uint32_t group, std::uint64_t bits);
  // Of bits that are neither present nor missed.
  void set_missed(std::uint32_t group, std::uint64_t bits, MissReason reason);

  // Whether the above is all that there is to know of these bits.
  std::uint64_t looked_up(std::uint32_t group) const { return looked_up_.get(group); }
  void set_looked_up(std::uint32_t group, std::uint64_t bits) { looked_up_.add(group, bits); }

  std::size_t bytes() const;

 private:
  IdBits present_;
  IdBits missed_;
  std::array<IdBits, 4> reason_;  // a binary digit each
  IdBits looked_up_;
};

}  // namespace ia::sqlite_store
