#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/influencer_set.h"
#include "core/leaderboard.h"
#include "core/miss.h"
#include "core/point.h"

// Which influencers have a value or a miss in a minute, in RAM. Nothing here knows of files.
namespace ia::sqlite_store {

// Numbers ids in the order in which they become known, so that a set of ids is one bit per id of
// words, whether the ids are neighbours or scattered. Ids that arrive together keep neighbouring
// numbers. Per id: nothing where they are in a row, 8 bytes in a batch, some 24 bytes alone. Only
// grows. Costs: a batch O(its size + log n), an id O(log n).
class IdNumbers {
 public:
  std::uint32_t find_or_add(InfluencerId id);
  // Of ids that ascend strictly. `numbers` is replaced.
  void find_or_add(std::span<const InfluencerId> ids, std::vector<std::uint32_t>& numbers);
  std::size_t size() const { return size_; }

  // Calls is_all(first number, how many) for the ids of a range, until it returns false. Returns
  // false as well where one of them is not known, or not in a row with the others.
  template <class IsAll>
  bool all_of(IdRange ids, IsAll is_all) const {
    for (auto id = number_of(ids.first);;) {
      const auto* run = run_of(id);
      if (run == nullptr) return false;
      const auto last = std::min(number_of(ids.last), number_of(run->ids.last));
      const auto offset = static_cast<std::uint32_t>(id - number_of(run->ids.first));
      if (!is_all(run->begin + offset, last - id + 1)) return false;
      if (last == number_of(ids.last)) return true;
      id = last + 1;
    }
  }

 private:
  struct Block {
    IdRange ids;
    std::uint32_t begin;               // the number of its first id; the others' follow
    std::vector<InfluencerId> listed;  // empty when they are all of the range
  };
  const Block* block_of(std::uint64_t id) const;
  const Block* run_of(std::uint64_t id) const;
  // Numbers those that lie within the block's range, and returns how many those are.
  std::size_t number_in(const Block& block, std::span<const InfluencerId> ids,
                        std::uint32_t* numbers);
  void number_between_blocks(std::span<const InfluencerId> ids, std::uint32_t* numbers);
  std::uint32_t number_alone(InfluencerId id);

  std::map<std::uint64_t, Block> blocks_;  // by their first id; their ranges are disjoint
  Roster alone_;
  std::vector<std::uint32_t> alone_numbers_;  // by index in alone_
  std::uint32_t size_ = 0;
};

// Up to 64 neighbouring numbers, as bits of a word.
struct NumberGroup {
  std::uint32_t index;  // numbers / 64
  std::uint64_t mask;   // bit number % 64 for each
  std::size_t begin;    // their indexes in the list
  std::size_t end;
};

inline std::uint64_t bit_of(std::uint32_t number) { return std::uint64_t{1} << (number % 64); }

// Calls visit(NumberGroup) for each stretch of the list that is of one word.
template <class Visit>
void for_each_group(std::span<const std::uint32_t> numbers, Visit visit) {
  for (std::size_t begin = 0; begin < numbers.size();) {
    NumberGroup group{numbers[begin] / 64, 0, begin, begin};
    while (group.end < numbers.size() && numbers[group.end] / 64 == group.index) {
      group.mask |= bit_of(numbers[group.end++]);
    }
    visit(group);
    begin = group.end;
  }
}

// A set of numbers by (number / 64, bits).
class IdBits {
 public:
  std::uint64_t get(std::uint32_t group) const { return group < words_.size() ? words_[group] : 0; }
  void add(std::uint32_t group, std::uint64_t bits);
  void remove(std::uint32_t group, std::uint64_t bits);
  bool has_all(std::uint32_t first, std::uint64_t count) const;
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
