// A column of n values is: its first value, as the zigzagged difference of its width in bits from
// the block's typical one and the bits below the leading one; then, when n > 1, a one when it has
// the block's typical shape (and parameter, where it has one), or a zero and two bits of shape.
//   0  constant: nothing else
//   1  dense: unless it is typical the parameter, as its difference from the typical one, and n - 1
//      zigzagged differences as Rice codes
//   2  sparse: the parameter of runs, as its difference from the typical one, that of changes, and
//      a bit that says whether falls or rises have the even numbers; then runs of unchanged values
//      and changes in turn, until nothing is left
//   3  bell: as dense, in a code for differences that are normally distributed
// Followers are the front stream of an influencer's bytes, following is the back stream.
#include "storage/codec/packed_block.h"

#include <algorithm>

#include "core/point.h"
#include "storage/codec/packed_bits.h"
#include "storage/codec/packed_shape.h"

namespace ia {
namespace {

using packed::BackReader;
using packed::FrontReader;
using packed::kBell;
using packed::kConstant;
using packed::kDense;
using packed::kFlagEnd;
using packed::kLengthParameterMax;
using packed::kOwnCoverage;
using packed::kRunMax;
using packed::kShapeBits;
using packed::kSparse;
using packed::Shape;
using packed::unchange_code;

struct Wanted {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Deltas become values by summing up, modulo 2^64, so junk cannot overflow anything.
template <class Reader>
class Column {
 public:
  // Reads the values `wanted` of `count`; those before them are only added up.
  Column(std::string_view bytes, std::int64_t* out, Wanted wanted, std::size_t count)
      : in_(bytes), out_(out), wanted_(wanted), left_(count - 1) {}

  template <class Typical>
  bool read_head(const Typical& typical) {
    const auto width = typical.width + in_.signed_rice();
    if (width < 0 || width > 53) return false;
    const auto below = width < 2 ? 0 : static_cast<unsigned>(width) - 1;
    value_ = width == 0 ? 0 : (std::uint64_t{1} << below) | in_.get(below);
    store(0);
    if (left_ == 0) return true;
    const bool is_typical = in_.get(1) != 0;
    shape_ = static_cast<Shape>(is_typical ? static_cast<std::uint64_t>(typical.shape)
                                           : in_.get(kShapeBits));
    if (is_dense()) {
      return read_parameter(typical.parameter, packed::kParameterMax, is_typical);
    }
    return shape_ == kConstant || (shape_ == kSparse && read_sparse_head(typical.run));
  }

  Shape shape() const { return shape_; }
  bool is_dense() const { return shape_ == kDense || shape_ == kBell; }
  template <Shape kShape>
  void skip() {
    const auto delta = kShape == kBell ? in_.bell(parameter_) : in_.rice(parameter_);
    value_ += unzigzag(delta);
    largest_ = std::max(largest_, value_);
  }
  template <Shape kShape>
  void next(std::size_t index) {
    skip<kShape>();
    out_[index - wanted_.begin] = static_cast<std::int64_t>(value_);
  }
  void read_rest() {
    if (shape_ == kDense) {
      read_dense<kDense>();
    } else if (shape_ == kBell) {
      read_dense<kBell>();
    } else if (shape_ == kSparse) {
      read_changes();
    } else {
      fill(1, wanted_.end);
    }
  }
  bool is_sound() const { return largest_ <= static_cast<std::uint64_t>(kCountMax) && is_sound_; }
  std::size_t bits() const { return in_.bits(); }

 private:
  bool read_parameter(int typical, unsigned max, bool is_typical) {
    const auto parameter = is_typical ? typical : typical + in_.signed_rice();
    if (parameter < 0 || parameter > static_cast<std::int64_t>(max)) return false;
    parameter_ = static_cast<unsigned>(parameter);
    return true;
  }

  bool read_sparse_head(int typical_run) {
    if (!read_parameter(typical_run, kRunMax, false)) return false;
    const auto change = in_.rice(0);
    if (change > packed::kParameterMax) return false;
    change_ = static_cast<unsigned>(change);
    rises_are_even_ = in_.get(1) != 0;
    return true;
  }

  template <Shape kShape>
  void read_dense() {
    std::size_t at = 1;
    for (; at < wanted_.begin; ++at) skip<kShape>();
    for (; at < wanted_.end; ++at) next<kShape>(at);
  }

  void read_changes() {
    for (std::size_t at = 1; at < wanted_.end;) {
      const auto run = in_.rice(parameter_);
      is_sound_ = run <= left_;
      if (!is_sound_) return;
      left_ -= run;
      const auto end = std::min<std::size_t>(wanted_.end, at + run);
      fill(at, end);
      at = end;
      if (at == wanted_.end) return;
      --left_;
      value_ += unzigzag(unchange_code(in_.rice(change_), rises_are_even_));
      store(at++);
    }
  }

  void fill(std::size_t begin, std::size_t end) {
    begin = std::max(begin, wanted_.begin);
    if (begin >= end) return;
    std::fill(out_ + begin - wanted_.begin, out_ + end - wanted_.begin,
              static_cast<std::int64_t>(value_));
  }
  void store(std::size_t index) {
    largest_ = std::max(largest_, value_);
    if (index >= wanted_.begin) out_[index - wanted_.begin] = static_cast<std::int64_t>(value_);
  }

  Reader in_;
  std::int64_t* out_;
  Wanted wanted_;
  std::size_t left_;  // differences that were not read yet
  Shape shape_ = kConstant;
  unsigned parameter_ = 0;
  unsigned change_ = 0;
  bool rises_are_even_ = false;
  bool is_sound_ = true;
  std::uint64_t value_ = 0;
  std::uint64_t largest_ = 0;
};

// In one loop: two chains of dependent steps that the processor runs side by side.
template <Shape kShape>
void read_both(Column<FrontReader>& followers, Column<BackReader>& following, Wanted wanted) {
  auto front = followers;
  auto back = following;
  std::size_t at = 1;
  for (; at < wanted.begin; ++at) {
    front.template skip<kShape>();
    back.template skip<kShape>();
  }
  for (; at < wanted.end; ++at) {
    front.template next<kShape>(at);
    back.template next<kShape>(at);
  }
  followers = front;
  following = back;
}

void read_rest(Column<FrontReader>& followers, Column<BackReader>& following, Wanted wanted) {
  const bool is_alike = followers.shape() == following.shape();
  if (is_alike && followers.shape() == kBell) {
    read_both<kBell>(followers, following, wanted);
  } else if (is_alike && followers.shape() == kDense) {
    read_both<kDense>(followers, following, wanted);
  } else {
    followers.read_rest();
    following.read_rest();
  }
}

// Leaves those from `begin` to `end` of the elements from `from` on.
template <class Column>
void keep(Column& column, std::size_t from, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t index) {
    return column.begin() + static_cast<std::ptrdiff_t>(from + index);
  };
  column.erase(at(end), column.end());
  column.erase(at(0), at(begin));
}

}  // namespace

std::optional<PackedBlock> PackedBlock::parse(std::string_view bytes, std::uint32_t span) {
  PackedBlock block;
  block.span_ = span;
  ByteReader in(bytes);
  if (span == 0 || span > kChunkSpanMax || !block.read_head(in)) return std::nullopt;
  if (!block.read_lengths(in)) return std::nullopt;
  block.data_ = in.rest();
  if (block.begin_[block.count_] != block.data_.size()) return std::nullopt;
  return block;
}

bool PackedBlock::read_head(ByteReader& in) {
  const auto head = in.bytes(8);
  if (in.failed()) return false;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
  count_ = at(0);
  if (count_ == 0 || count_ > kBlockInfluencersMax || at(1) >= kFlagEnd) return false;
  shares_coverage_ = (at(1) & kOwnCoverage) == 0;
  const auto typical = [&](std::size_t i) {
    return Typical{
        .shape = at(i) >> 6, .width = at(i) & 63, .parameter = at(i + 1), .run = at(i + 2)};
  };
  followers_ = typical(2);
  following_ = typical(5);
  const auto before = in.rest();
  ValueIndex ignored;
  if (!read_index(in, span_, 0, ignored)) return false;
  coverage_ = before.substr(0, before.size() - in.rest().size());
  if (!shares_coverage_) own_ = in.bytes((count_ + 7) / 8);
  return !in.failed();
}

bool PackedBlock::read_lengths(ByteReader& in) {
  const auto middle = in.varint();
  const auto parameter = in.bytes(1);
  if (in.failed() || middle > in.rest().size()) return false;
  if (static_cast<unsigned char>(parameter[0]) > kLengthParameterMax) return false;
  FrontReader lengths(in.rest());
  for (std::size_t i = 0; i < count_; ++i) {
    const auto difference = unzigzag(lengths.rice(static_cast<unsigned>(parameter[0])));
    const auto length = middle + difference;
    if (length > in.rest().size()) return false;
    begin_[i + 1] = begin_[i] + static_cast<std::uint32_t>(length);
    if (begin_[i + 1] > in.rest().size()) return false;
  }
  (void)in.bytes((lengths.bits() + 7) / 8);
  return !in.failed();
}

bool PackedBlock::has_own_coverage(std::size_t index) const {
  return !shares_coverage_ && ((static_cast<unsigned char>(own_[index / 8]) >> (index % 8)) & 1);
}

template <class Read>
bool PackedBlock::with_coverage(std::size_t index, std::string_view& rest, Read read) const {
  const auto bytes = bytes_of(index);
  const bool is_own = has_own_coverage(index);
  ByteReader in(is_own ? bytes : coverage_);
  if (!read(in)) return false;
  rest = is_own ? in.rest() : bytes;
  return true;
}

bool PackedBlock::decode_coverage(std::size_t index, std::uint16_t base, Chunk& out) const {
  std::string_view rest;
  return with_coverage(index, rest,
                       [&](ByteReader& in) { return read_coverage(in, span_, base, out); });
}

bool PackedBlock::decode(std::size_t index, std::uint16_t base, Chunk& out) const {
  return decode(index, base, 0, span_, out);
}

bool PackedBlock::decode(std::size_t index, std::uint16_t base, std::uint32_t begin,
                         std::uint32_t end, Chunk& out) const {
  const auto before = out.offsets.size();
  const auto misses_before = out.misses.size();
  std::string_view rest;
  const auto read = [&](ByteReader& in) { return read_coverage(in, span_, base, out); };
  if (!with_coverage(index, rest, read)) return false;
  const auto count = out.offsets.size() - before;
  const auto offsets = std::span(out.offsets).subspan(before);
  const auto misses = std::span(out.misses).subspan(misses_before);
  const auto value_at = [&](std::uint32_t offset) {
    return static_cast<std::size_t>(std::ranges::lower_bound(offsets, base + offset) -
                                    offsets.begin());
  };
  const auto miss_at = [&](std::uint32_t offset) {
    return static_cast<std::size_t>(
        std::ranges::lower_bound(misses, base + offset, {}, &ChunkMiss::offset) - misses.begin());
  };
  const auto first = value_at(begin);
  const auto last = value_at(end);
  keep(out.misses, misses_before, miss_at(begin), miss_at(end));
  keep(out.offsets, before, first, last);
  return read_values(rest, first, last, count, out);
}

bool PackedBlock::decode_value(std::size_t index, std::uint32_t offset,
                               std::optional<Counts>& out) const {
  out.reset();
  ValueIndex found;
  std::string_view rest;
  const auto read = [&](ByteReader& in) { return read_index(in, span_, offset, found); };
  if (!with_coverage(index, rest, read)) return false;
  if (!found.is_there) return true;
  Counts counts;
  const Wanted wanted{found.before, found.before + 1};
  Column<FrontReader> followers(rest, &counts.followers, wanted, found.count);
  Column<BackReader> following(rest, &counts.following, wanted, found.count);
  if (!followers.read_head(followers_) || !following.read_head(following_)) return false;
  read_rest(followers, following, wanted);
  const bool is_sound = followers.is_sound() && following.is_sound() &&
                        followers.bits() + following.bits() <= rest.size() * 8;
  if (is_sound) out = counts;
  return is_sound;
}

bool PackedBlock::read_values(std::string_view bytes, std::size_t begin, std::size_t end,
                              std::size_t count, Chunk& out) const {
  if (count == 0) return bytes.empty();
  if (begin == end) return true;
  const auto before = out.followers.size();
  out.followers.resize(before + end - begin);
  out.following.resize(before + end - begin);
  const Wanted wanted{begin, end};
  Column<FrontReader> followers(bytes, out.followers.data() + before, wanted, count);
  Column<BackReader> following(bytes, out.following.data() + before, wanted, count);
  if (!followers.read_head(followers_) || !following.read_head(following_)) return false;
  read_rest(followers, following, wanted);
  const auto bits = followers.bits() + following.bits();
  const bool is_whole = end < count || bits + 8 > bytes.size() * 8;
  return followers.is_sound() && following.is_sound() && bits <= bytes.size() * 8 && is_whole;
}

}  // namespace ia
