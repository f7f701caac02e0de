#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "base/varint.h"
#include "storage/codec/packed_bits.h"
#include "storage/codec/packed_block.h"
#include "storage/codec/packed_shape.h"

namespace ia {
namespace {

using packed::BackWriter;
using packed::change_code;
using packed::FrontWriter;
using packed::kBell;
using packed::kConstant;
using packed::kDense;
using packed::kLengthParameterMax;
using packed::kOwnCoverage;
using packed::kRunMax;
using packed::kShapeBits;
using packed::kSparse;
using packed::Shape;

// How the values of one influencer's column are written.
struct Plan {
  Shape shape = kConstant;
  int width = 0;
  int parameter = 0;  // dense, bell
  int run = 0;        // sparse
  int change = 0;
  bool rises_are_even = false;
};

std::uint64_t rice_bits(std::uint64_t value, unsigned parameter) {
  const auto quotient = value >> parameter;
  return quotient < packed::kEscape ? quotient + 1 + parameter
                                    : packed::kEscape + packed::kEscapedBits;
}

// Near the logarithm of the mean's 0.7, which is best where small numbers are the most frequent.
int parameter_for(std::uint64_t sum, std::uint64_t count) {
  const auto mean = sum / count;
  const auto guess = static_cast<int>(std::bit_width(sum * 7 / 10 / count));
  return std::min<int>(guess, mean == 0 ? 1 : static_cast<int>(packed::kParameterMax));
}

std::uint64_t bell_bits(std::uint64_t value, unsigned parameter) {
  const auto quotient = value >> parameter;
  return quotient < packed::kEscape ? std::max<std::uint64_t>(2, quotient) + parameter
                                    : packed::kEscape + packed::kEscapedBits;
}

// In loops without a branch where no value is escaped.
template <class Bits>
std::uint64_t bits_of_all(std::span<const std::uint64_t> deltas, std::uint64_t largest,
                          int parameter, Bits bits_of) {
  std::uint64_t bits = 0;
  if (largest >> parameter < packed::kEscape) {
    const bool is_bell = bits_of(0, 0) == 2;
    for (const auto delta : deltas) {
      const auto quotient = static_cast<std::uint32_t>(delta >> parameter);
      bits += is_bell ? std::max<std::uint32_t>(2, quotient) : quotient + 1;
    }
    return bits + deltas.size() * static_cast<std::size_t>(parameter);
  }
  for (const auto delta : deltas) bits += bits_of(delta, static_cast<unsigned>(parameter));
  return bits;
}

// Calls run(length) and change(zigzag) in turn, until nothing is left.
template <class Run, class Change>
void walk_changes(std::span<const std::uint64_t> deltas, Run run, Change change) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    if (deltas[i] == 0) continue;
    run(i - begin);
    change(deltas[i]);
    begin = i + 1;
  }
  if (begin < deltas.size()) run(deltas.size() - begin);
}

struct Tally {
  std::uint64_t changes = 0;
  std::uint64_t rises = 0;
  std::uint64_t sum = 0;
  std::uint64_t largest = 0;
};

Tally tally_of(std::span<const std::uint64_t> deltas) {
  Tally tally;
  for (const auto delta : deltas) {
    tally.sum += delta;
    tally.largest = std::max(tally.largest, delta);
    const std::uint64_t is_change = delta != 0 ? 1 : 0;
    tally.changes += is_change;
    tally.rises += is_change & ~delta;
  }
  return tally;
}

std::uint64_t plan_dense(std::span<const std::uint64_t> deltas, const Tally& tally, Plan& plan) {
  const auto width = static_cast<int>(std::bit_width(tally.sum / deltas.size()));
  std::uint64_t least = ~std::uint64_t{0};
  const auto consider = [&](Shape shape, int parameter, auto bits_of) {
    if (parameter < 0) return;
    const auto bits = bits_of_all(deltas, tally.largest, parameter, bits_of);
    if (bits >= least) return;
    least = bits;
    plan.shape = shape;
    plan.parameter = parameter;
  };
  consider(kDense, std::max(0, width - 1), rice_bits);
  consider(kBell, width - 1, bell_bits);
  consider(kBell, width - 2, bell_bits);
  return least;
}

std::uint64_t plan_sparse(std::span<const std::uint64_t> deltas, const Tally& tally, Plan& plan) {
  plan.run = std::min(kRunMax, parameter_for(deltas.size() - tally.changes, tally.changes + 1));
  plan.rises_are_even = tally.rises * 2 > tally.changes;
  plan.change = parameter_for(tally.sum - tally.changes, tally.changes);
  if (tally.sum - tally.changes < tally.changes * 2) plan.change = 0;
  std::uint64_t bits = 0;
  walk_changes(
      deltas, [&](auto run) { bits += rice_bits(run, static_cast<unsigned>(plan.run)); },
      [&](auto change) {
        bits +=
            rice_bits(change_code(change, plan.rises_are_even), static_cast<unsigned>(plan.change));
      });
  return bits;
}

Plan plan_for(std::int64_t first, std::span<const std::uint64_t> deltas) {
  Plan plan{.width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(first)))};
  const auto tally = tally_of(deltas);
  if (tally.changes == 0) return plan;
  const bool may_be_sparse = tally.changes * 8 < deltas.size() * 7;
  const bool may_be_dense = tally.changes * 4 > deltas.size();
  const auto sparse = may_be_sparse ? plan_sparse(deltas, tally, plan) : ~std::uint64_t{0};
  const auto dense = may_be_dense ? plan_dense(deltas, tally, plan) : ~std::uint64_t{0};
  if (sparse < dense) plan.shape = kSparse;
  return plan;
}

template <class Writer>
void put_first(Writer& out, std::int64_t first, int width, int typical) {
  out.put_signed(width - typical);
  if (width < 2) return;
  const auto count = static_cast<unsigned>(width) - 1;
  out.put(packed::low_bits(static_cast<std::uint64_t>(first), count), count);
}

template <class Writer>
void put_changes(Writer& out, std::span<const std::uint64_t> deltas, const Plan& plan) {
  walk_changes(
      deltas, [&](auto run) { out.put_rice(run, static_cast<unsigned>(plan.run)); },
      [&](auto change) {
        out.put_rice(change_code(change, plan.rises_are_even), static_cast<unsigned>(plan.change));
      });
}

template <class Writer, class Typical>
Writer put_column(Writer out, std::span<const std::int64_t> values,
                  std::span<const std::uint64_t> deltas, const Plan& plan, const Typical& typical) {
  put_first(out, values[0], plan.width, typical.width);
  if (values.size() == 1) return out;
  const bool is_dense = plan.shape == kDense || plan.shape == kBell;
  const bool is_typical =
      plan.shape == typical.shape && (!is_dense || plan.parameter == typical.parameter);
  out.put(is_typical ? 1 : 0, 1);
  if (!is_typical) out.put(plan.shape, kShapeBits);
  if (!is_typical && is_dense) out.put_signed(plan.parameter - typical.parameter);
  const auto parameter = static_cast<unsigned>(plan.parameter);
  if (plan.shape == kDense) {
    for (const auto delta : deltas) out.put_rice(delta, parameter);
  } else if (plan.shape == kBell) {
    for (const auto delta : deltas) out.put_bell(delta, parameter);
  } else if (plan.shape == kSparse) {
    out.put_signed(plan.run - typical.run);
    out.put_rice(static_cast<std::uint64_t>(plan.change), 0);
    out.put(plan.rises_are_even ? 1 : 0, 1);
    put_changes(out, deltas, plan);
  }
  return out;
}

// The middle one of those that have one.
template <class Has, class Get>
std::uint8_t typical(std::span<const Plan> plans, Has has, Get get) {
  std::array<std::uint8_t, kBlockInfluencersMax> found{};
  std::size_t count = 0;
  for (const auto& plan : plans) {
    if (has(plan)) found[count++] = static_cast<std::uint8_t>(get(plan));
  }
  if (count == 0) return 0;
  std::nth_element(found.begin(), found.begin() + count / 2, found.begin() + count);
  return found[count / 2];
}

struct TypicalBytes {
  std::uint8_t shape = 0;
  std::uint8_t width = 0;
  std::uint8_t parameter = 0;
  std::uint8_t run = 0;
};

std::uint8_t most_frequent_shape(std::span<const Plan> plans) {
  std::array<int, 4> counts{};
  for (const auto& plan : plans) ++counts[plan.shape];
  return static_cast<std::uint8_t>(std::ranges::max_element(counts) - counts.begin());
}

TypicalBytes typical_of(std::span<const Plan> plans) {
  const auto all = [](const Plan&) { return true; };
  const auto is_dense = [](const Plan& plan) {
    return plan.shape == kDense || plan.shape == kBell;
  };
  const auto is_sparse = [](const Plan& plan) { return plan.shape == kSparse; };
  return {.shape = most_frequent_shape(plans),
          .width = typical(plans, all, [](const Plan& plan) { return plan.width; }),
          .parameter = typical(plans, is_dense, [](const Plan& plan) { return plan.parameter; }),
          .run = typical(plans, is_sparse, [](const Plan& plan) { return plan.run; })};
}

// Encodes one block after the other; keeps its memory.
class BlockEncoder {
 public:
  void encode(std::span<const ChunkView> chunks, std::uint16_t base, std::uint32_t span,
              std::string& out) {
    chunks_ = chunks;
    base_ = base;
    span_ = span;
    plan(chunks, &ChunkView::followers, followers_);
    plan(chunks, &ChunkView::following, following_);
    cover();
    put_data();
    out.clear();
    put_head(out);
    out += data_;
  }

 private:
  struct Column {
    std::vector<std::uint64_t> deltas;  // of all influencers
    std::array<Plan, kBlockInfluencersMax> plans;
    TypicalBytes typical;
  };

  void plan(std::span<const ChunkView> chunks, std::span<const std::int64_t> ChunkView::* values_of,
            Column& column) {
    column.deltas.clear();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto& values = chunks[i].*values_of;
      const auto begin = column.deltas.size();
      if (values.empty()) {
        column.plans[i] = {};
        continue;
      }
      column.deltas.resize(begin + values.size() - 1);
      for (std::size_t at = 1; at < values.size(); ++at) {
        column.deltas[begin + at - 1] = zigzag(values[at] - values[at - 1]);
      }
      column.plans[i] = plan_for(values[0], std::span(column.deltas).subspan(begin));
    }
    column.typical = typical_of(std::span(column.plans).first(chunks.size()));
  }

  // The coverage of most influencers, or of many, is the shared one.
  void cover() {
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      coverages_[i].clear();
      put_coverage({chunks_[i].offsets, chunks_[i].misses, base_}, span_, coverages_[i]);
    }
    const auto all = std::span(coverages_).first(chunks_.size());
    shared_ = 0;
    auto best = std::ranges::count(all, all[0]);
    for (std::size_t i = 1; i < all.size() && best * 2 < std::ssize(all); ++i) {
      const auto alike = std::ranges::count(all, all[i]);
      if (alike <= best) continue;
      best = alike;
      shared_ = i;
    }
    is_shared_by_all_ = best == std::ssize(all);
  }

  bool is_own(std::size_t index) const { return coverages_[index] != coverages_[shared_]; }

  void put_data() {
    data_.clear();
    std::size_t followers_at = 0;
    std::size_t following_at = 0;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      const auto begin = data_.size();
      if (is_own(i)) data_ += coverages_[i];
      if (!chunks_[i].offsets.empty()) {
        const auto front =
            put_one(FrontWriter(front_.data()), chunks_[i].followers, followers_, i, followers_at);
        const auto back =
            put_one(BackWriter(back_.data()), chunks_[i].following, following_, i, following_at);
        front.append_to(data_);
        back.append_to(data_, front.bits());
      }
      lengths_[i] = static_cast<std::uint32_t>(data_.size() - begin);
    }
  }

  template <class Writer>
  static Writer put_one(Writer out, std::span<const std::int64_t> values, const Column& column,
                        std::size_t index, std::size_t& at) {
    const auto deltas = std::span(column.deltas).subspan(at, values.size() - 1);
    at += deltas.size();
    return put_column(out, values, deltas, column.plans[index], column.typical);
  }

  void put_head(std::string& out) {
    out.push_back(static_cast<char>(chunks_.size()));
    out.push_back(static_cast<char>(is_shared_by_all_ ? 0 : kOwnCoverage));
    for (const auto& typical : {followers_.typical, following_.typical}) {
      out.push_back(static_cast<char>(typical.width | typical.shape << 6));
      out.push_back(static_cast<char>(typical.parameter));
      out.push_back(static_cast<char>(typical.run));
    }
    out += coverages_[shared_];
    if (!is_shared_by_all_) put_owners(out);
    put_lengths(out);
  }

  // As the differences from the middle one.
  void put_lengths(std::string& out) {
    const auto lengths = std::span(lengths_).first(chunks_.size());
    auto sorted = lengths_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::nth_element(sorted.begin(), middle,
                     sorted.begin() + static_cast<std::ptrdiff_t>(lengths.size()));
    const auto difference = [&](std::uint32_t length) {
      return zigzag(std::int64_t{length} - std::int64_t{*middle});
    };
    unsigned best = 0;
    std::uint64_t least = ~std::uint64_t{0};
    for (unsigned parameter = 0; parameter <= kLengthParameterMax; ++parameter) {
      std::uint64_t bits = 0;
      for (const auto length : lengths) bits += rice_bits(difference(length), parameter);
      if (bits < least) best = parameter;
      least = std::min(least, bits);
    }
    put_varint(out, *middle);
    out.push_back(static_cast<char>(best));
    std::array<char, kBlockInfluencersMax * 16> room;
    FrontWriter writer(room.data());
    for (const auto length : lengths) writer.put_rice(difference(length), best);
    writer.append_to(out);
  }

  void put_owners(std::string& out) const {
    const auto begin = out.size();
    out.resize(begin + (chunks_.size() + 7) / 8);
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      if (!is_own(i)) continue;
      auto& byte = out[begin + i / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (1u << (i % 8)));
    }
  }

  std::span<const ChunkView> chunks_;
  std::uint16_t base_ = 0;
  std::uint32_t span_ = 0;
  Column followers_;
  Column following_;
  std::array<std::string, kBlockInfluencersMax> coverages_;
  std::size_t shared_ = 0;
  bool is_shared_by_all_ = false;
  std::array<std::uint32_t, kBlockInfluencersMax> lengths_{};
  // Room for a column of any values: a run and a change for each.
  static constexpr std::size_t kColumnBytes =
      kChunkSpanMax * 2 * (packed::kEscape + packed::kEscapedBits) / 8 + 64;
  std::vector<char> front_ = std::vector<char>(kColumnBytes);
  std::vector<char> back_ = std::vector<char>(kColumnBytes);
  std::string data_;
};

}  // namespace

void encode_block(std::span<const ChunkView> chunks, std::uint16_t base, std::uint32_t span,
                  std::string& out) {
  thread_local BlockEncoder encoder;
  encoder.encode(chunks, base, span, out);
}

}  // namespace ia
