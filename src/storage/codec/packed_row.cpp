#include "storage/codec/packed_row.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/point.h"
#include "storage/codec/packed_bits.h"

namespace ia {
namespace {

constexpr std::size_t kHeadBytes = 13;
constexpr std::size_t kBaseBytes = 4;
enum Flag : std::uint8_t { kWideSizes = 1, kGaps = 2, kFlagEnd = 4 };

void put_number(std::string& out, std::uint64_t number, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

// Of Rice codes for the gaps between neighbours, less one. By the middle one, as a few are large
// where ids are in runs.
unsigned gap_parameter_for(std::span<const std::uint64_t> ids) {
  std::vector<std::uint64_t> gaps;
  for (std::size_t i = 1; i < ids.size(); ++i) gaps.push_back(ids[i] - ids[i - 1] - 1);
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::ranges::nth_element(gaps, middle);
  return std::min(62u, static_cast<unsigned>(std::bit_width(*middle)));
}

std::string gaps_of(std::span<const std::uint64_t> ids, unsigned parameter) {
  std::array<char, kBlockInfluencersMax * 16> room;
  packed::FrontWriter gaps(room.data());
  for (std::size_t i = 1; i < ids.size(); ++i) {
    gaps.put_wide_rice(ids[i] - ids[i - 1] - 1, parameter);
  }
  std::string bytes;
  gaps.append_to(bytes);
  return bytes;
}

bool is_run(std::span<const std::uint64_t> ids) {
  return ids.back() - ids.front() + 1 == ids.size();
}

struct Sizes {
  std::vector<std::uint32_t> by_slot;  // slot by slot, a group each; 0 where none begins
  std::vector<std::uint32_t> bases;    // of all slots but the first, and of the end
  std::uint32_t largest = 0;
};

Sizes sizes_of(std::span<const PackedGroup> groups, std::size_t slots) {
  Sizes sizes;
  std::uint32_t base = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    for (const auto& group : groups) {
      const auto each = slots / group.block_sizes.size();
      const auto size = slot % each == 0 ? group.block_sizes[slot / each] : 0;
      sizes.by_slot.push_back(size);
      sizes.largest = std::max(sizes.largest, size);
      base += size;
    }
    sizes.bases.push_back(base);
  }
  return sizes;
}

}  // namespace

std::string encode_row(std::span<const std::uint64_t> ids, std::span<const PackedGroup> groups,
                       std::size_t slots) {
  const auto ids_of = [&](const PackedGroup& group) {
    return ids.subspan(group.first, group.count);
  };
  const bool has_gaps =
      !std::ranges::all_of(groups, [&](auto& group) { return is_run(ids_of(group)); });
  const auto sizes = sizes_of(groups, slots);
  const bool is_wide = sizes.largest > UINT16_MAX;
  const auto parameter = has_gaps ? gap_parameter_for(ids) : 0;
  const auto id_width =
      static_cast<std::size_t>((std::bit_width(ids[groups.back().first] - ids.front()) + 7) / 8);
  std::string page;
  put_number(page, groups.size(), 2);
  put_number(page, (is_wide ? unsigned{kWideSizes} : 0u) | (has_gaps ? unsigned{kGaps} : 0u), 1);
  put_number(page, parameter | id_width << 6, 2);
  put_number(page, ids.front(), 8);
  std::string gaps;
  for (const auto& group : groups) {
    put_number(page, ids[group.first] - ids.front(), id_width);
    put_number(page, group.count, 1);
    put_number(page, group.block_sizes.size(), 1);
    if (!has_gaps) continue;
    gaps += gaps_of(ids_of(group), parameter);
    put_number(page, gaps.size(), 2);
  }
  for (const auto base : sizes.bases) put_number(page, base, kBaseBytes);
  for (const auto size : sizes.by_slot) put_number(page, size, is_wide ? 4 : 2);
  return page + gaps;
}

std::uint64_t PackedRow::number(std::size_t at, std::size_t width) const {
  return packed::load(page_.data() + at, width);
}

bool PackedRow::parse(std::string page, std::size_t slots) {
  page_ = std::move(page);
  slots_ = slots;
  groups_.clear();
  if (page_.size() < kHeadBytes) return false;
  const auto groups = number(0, 2);
  const auto flags = number(2, 1);
  const auto widths = number(3, 2);
  gap_parameter_ = static_cast<unsigned>(widths & 63);
  id_width_ = widths >> 6;
  first_id_ = number(5, 8);
  has_gaps_ = (flags & kGaps) != 0;
  size_width_ = (flags & kWideSizes) != 0 ? 4 : 2;
  const bool is_sound = groups > 0 && groups <= kRowInfluencersMax && flags < kFlagEnd &&
                        id_width_ <= 8 && gap_parameter_ <= 62 && first_id_ <= kInfluencerIdMax;
  if (!is_sound) return false;
  const auto group_bytes = id_width_ + 2 + (has_gaps_ ? 2 : 0);
  bases_at_ = kHeadBytes + groups * group_bytes;
  sizes_at_ = bases_at_ + slots * kBaseBytes;
  gaps_at_ = sizes_at_ + slots * groups * size_width_;
  if (gaps_at_ > page_.size()) return false;
  for (std::size_t i = 0; i < groups; ++i) {
    if (!read_group(i, kHeadBytes + i * group_bytes)) return false;
  }
  return gaps_at_ + groups_.back().gaps_end == page_.size();
}

bool PackedRow::read_group(std::size_t index, std::size_t at) {
  const auto above = number(at, id_width_);
  Group group{.first_id = first_id_ + above,
              .count = number(at + id_width_, 1),
              .parts = number(at + id_width_ + 1, 1)};
  if (index > 0) {
    group.first = groups_.back().first + groups_.back().count;
    group.gaps_begin = groups_.back().gaps_end;
  }
  if (has_gaps_) group.gaps_end = number(at + id_width_ + 2, 2);
  const auto least_id = index == 0 ? first_id_ : groups_.back().first_id + groups_.back().count;
  const bool is_sound =
      above <= kInfluencerIdMax - first_id_ && group.first_id >= least_id && group.count > 0 &&
      group.count <= kBlockInfluencersMax && group.first + group.count <= kRowInfluencersMax &&
      group.parts > 0 && group.parts <= slots_ && slots_ % group.parts == 0 &&
      group.gaps_begin <= group.gaps_end && group.gaps_end <= page_.size() - gaps_at_;
  if (is_sound) groups_.push_back(group);
  return is_sound;
}

std::uint64_t PackedRow::bytes() const {
  return number(bases_at_ + (slots_ - 1) * kBaseBytes, kBaseBytes);
}

const PackedRow::Group* PackedRow::group_of_id(std::uint64_t id) const {
  const auto behind = std::ranges::upper_bound(groups_, id, {}, &Group::first_id);
  return behind == groups_.begin() ? nullptr : &*std::prev(behind);
}

const PackedRow::Group& PackedRow::group_at(std::size_t index) const {
  return *std::prev(std::ranges::upper_bound(groups_, index, {}, &Group::first));
}

bool PackedRow::read_ids(const Group& group, std::vector<std::uint64_t>& ids) const {
  auto id = group.first_id;
  ids.push_back(id);
  const auto gaps = std::string_view(page_).substr(gaps_at_ + group.gaps_begin,
                                                   group.gaps_end - group.gaps_begin);
  packed::FrontReader in(gaps);
  for (std::size_t i = 1; i < group.count; ++i) {
    const auto gap = has_gaps_ ? in.wide_rice(gap_parameter_) : 0;
    if (gap >= kInfluencerIdMax - id) return false;
    id += gap + 1;
    ids.push_back(id);
  }
  const bool is_last = &group == &groups_.back();
  return in.bits() <= gaps.size() * 8 && (is_last || id < (&group + 1)->first_id);
}

std::uint32_t PackedRow::size_at(std::size_t slot, std::size_t group) const {
  return static_cast<std::uint32_t>(
      number(sizes_at_ + (slot * groups_.size() + group) * size_width_, size_width_));
}

PackedRow::Block PackedRow::block(const Group& group, std::size_t part) const {
  const auto slot = part * (slots_ / group.parts);
  const auto index = static_cast<std::size_t>(&group - groups_.data());
  Block block;
  if (slot > 0) block.begin = number(bases_at_ + (slot - 1) * kBaseBytes, kBaseBytes);
  for (std::size_t i = 0; i < index; ++i) block.begin += size_at(slot, i);
  block.size = size_at(slot, index);
  return block;
}

}  // namespace ia
