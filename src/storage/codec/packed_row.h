#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/codec/packed_block.h"

// The index page of a row of a packed segment: who is in which group, and where the blocks of each
// group are. Fixed widths, so that one influencer is found without reading the rest. Bytes:
// docs/formats.md, Packed segment. Pure functions.
namespace ia {

inline constexpr std::size_t kRowInfluencersMax = 512;
inline constexpr std::size_t kSlotsMax = 24;

// Influencers that share blocks: `count` of the row's ids from `first` on, as blocks of equal parts
// of the segment. block_sizes: one per part.
struct PackedGroup {
  std::size_t first = 0;
  std::size_t count = 0;
  std::vector<std::uint32_t> block_sizes;
};

// Calls place(group, part) in the order in which a row's blocks stand in the file: by the slot that
// they begin at, then by group. The parts of each group divide the slots.
template <class PartsOf, class Place>
void in_file_order(std::size_t slots, std::size_t groups, PartsOf parts_of, Place place) {
  for (std::size_t slot = 0; slot < slots; ++slot) {
    for (std::size_t group = 0; group < groups; ++group) {
      const auto each = slots / parts_of(group);
      if (slot % each == 0) place(group, slot / each);
    }
  }
}

// ids: strictly ascending, those of all groups in turn, 1 to kRowInfluencersMax.
std::string encode_row(std::span<const std::uint64_t> ids, std::span<const PackedGroup> groups,
                       std::size_t slots);

class PackedRow {
 public:
  struct Group {
    std::uint64_t first_id = 0;
    std::size_t first = 0;  // of its influencers among the row's
    std::size_t count = 0;
    std::size_t parts = 0;
    std::size_t gaps_begin = 0;  // in the bytes of all gaps
    std::size_t gaps_end = 0;
  };
  struct Block {
    std::uint64_t begin = 0;  // from the row's first byte on
    std::uint32_t size = 0;
  };

  // Takes the page's bytes, and replaces what was there. False when they are unsound: nothing may
  // be asked then.
  bool parse(std::string page, std::size_t slots);

  std::span<const Group> groups() const { return groups_; }
  std::size_t size() const { return groups_.back().first + groups_.back().count; }
  // Of all blocks.
  std::uint64_t bytes() const;
  // The one that has the influencer, if any has; null when the row begins behind it.
  const Group* group_of_id(std::uint64_t id) const;
  // By the influencer's place in the row.
  const Group& group_at(std::size_t index) const;
  // Appends the group's ids. False when they are unsound.
  bool read_ids(const Group& group, std::vector<std::uint64_t>& ids) const;
  Block block(const Group& group, std::size_t part) const;

 private:
  std::uint64_t number(std::size_t at, std::size_t width) const;
  bool read_group(std::size_t index, std::size_t at);
  std::uint32_t size_at(std::size_t slot, std::size_t group) const;

  std::string page_;
  std::size_t slots_ = 0;
  bool has_gaps_ = false;
  std::size_t size_width_ = 0;
  unsigned gap_parameter_ = 0;
  std::uint64_t first_id_ = 0;
  std::size_t id_width_ = 0;
  std::size_t bases_at_ = 0;
  std::size_t sizes_at_ = 0;
  std::size_t gaps_at_ = 0;
  std::vector<Group> groups_;
};

}  // namespace ia
