#include "storage/codec/chunk_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/varint.h"
#include "core/point.h"
#include "storage/codec/chunk_coverage.h"

namespace ia {
namespace {

constexpr std::size_t kBlock = 120;  // deltas that share a Rice parameter
constexpr unsigned kParameterBits = 6;
constexpr unsigned kAllZero = 63;  // parameter of a block without any change
constexpr unsigned kParameterMax = 54;
constexpr unsigned kEscape = 24;  // so many zeros: the value follows as it is
constexpr unsigned kEscapedBits = 54;
constexpr std::size_t kChecksumBytes = 4;

std::uint64_t load(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

// Room for the bits of a column of any values, and for whole words.
using Bits = std::array<char, (kChunkSpanMax * (kEscape + kEscapedBits + 1)) / 8 + 16>;

// Puts bits, the most significant first.
class BitWriter {
 public:
  explicit BitWriter(Bits& bits) : begin_(bits.data()), at_(begin_) {}

  // count <= 56; bits of the value above it must be 0.
  void put(std::uint64_t value, unsigned count) {
    used_ += count;
    word_ |= value << (64 - used_);
    const auto bytes = __builtin_bswap64(word_);
    std::memcpy(at_, &bytes, sizeof bytes);
    at_ += used_ >> 3;
    word_ <<= used_ & 56;
    used_ &= 7;
  }

  std::string_view bytes() const {
    return {begin_, static_cast<std::size_t>(at_ - begin_) + (used_ > 0 ? 1 : 0)};
  }

 private:
  char* begin_;
  char* at_;
  std::uint64_t word_ = 0;
  unsigned used_ = 0;
};

// Bits behind the end read as zeros; `overrun` tells.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // At least 57 bits from the current one on, at the top.
  std::uint64_t window() const {
    const std::size_t byte = bit_ >> 3;
    std::uint64_t word = 0;
    if (byte + 8 <= bytes_.size()) [[likely]] {
      word = load(bytes_.data() + byte, 8);
    } else if (byte < bytes_.size()) {
      word = load(bytes_.data() + byte, bytes_.size() - byte);
    }
    return __builtin_bswap64(word) << (bit_ & 7);
  }

  std::uint64_t get(unsigned count) {
    if (count == 0) return 0;
    const auto value = window() >> (64 - count);
    bit_ += count;
    return value;
  }

  std::uint64_t rice(unsigned parameter) {
    const auto word = window();
    const auto zeros = static_cast<unsigned>(std::countl_zero(word | 1));
    if (zeros >= kEscape || parameter > 32) [[unlikely]]
      return rice_slow(zeros, parameter);
    bit_ += zeros + 1 + parameter;
    const auto low = (word << (zeros + 1)) >> 1 >> (63 - parameter);
    return (std::uint64_t{zeros} << parameter) | low;
  }

  // Whether exactly the bytes were read, but for the rest of the last one.
  bool at_end() const { return bytes_read() == bytes_.size(); }
  bool overrun() const { return bytes_read() > bytes_.size(); }

 private:
  std::size_t bytes_read() const { return (bit_ + 7) >> 3; }

  std::uint64_t rice_slow(unsigned zeros, unsigned parameter) {
    if (zeros >= kEscape) {
      bit_ += kEscape;
      return get(kEscapedBits);
    }
    bit_ += zeros + 1;
    return (std::uint64_t{zeros} << parameter) | get(parameter);
  }

  std::string_view bytes_;
  std::size_t bit_ = 0;
};

std::uint64_t rice_bits(std::span<const std::uint64_t> values, std::uint64_t largest,
                        unsigned parameter) {
  std::uint64_t bits = 0;
  if (largest >> parameter < kEscape) {
    for (const auto value : values) bits += value >> parameter;
    return bits + values.size() * (parameter + 1);
  }
  for (const auto value : values) {
    const auto quotient = value >> parameter;
    bits += quotient < kEscape ? quotient + 1 + parameter : kEscape + kEscapedBits;
  }
  return bits;
}

// The best one is near the logarithm of the mean: those below are tried.
unsigned best_parameter(std::span<const std::uint64_t> values) {
  std::uint64_t sum = 0;
  std::uint64_t largest = 0;
  for (const auto value : values) {
    sum += value;
    largest = std::max(largest, value);
  }
  const auto mean = sum / values.size();
  const auto guess = std::min(static_cast<unsigned>(std::bit_width(mean)), kParameterMax);
  unsigned best = guess;
  std::uint64_t best_bits = rice_bits(values, largest, guess);
  for (unsigned down = 1; down <= 2 && down <= guess; ++down) {
    const auto bits = rice_bits(values, largest, guess - down);
    if (bits >= best_bits) break;
    best = guess - down;
    best_bits = bits;
  }
  return best;
}

void put_rice(BitWriter& out, std::uint64_t value, unsigned parameter) {
  const auto quotient = value >> parameter;
  if (quotient >= kEscape) {
    out.put(0, kEscape);
    out.put(value, kEscapedBits);
    return;
  }
  const auto low = value & ((std::uint64_t{1} << parameter) - 1);
  const auto length = static_cast<unsigned>(quotient) + 1;
  if (parameter <= 30) {
    out.put((std::uint64_t{1} << parameter) | low, length + parameter);
  } else {
    out.put(1, length);
    out.put(low, parameter);
  }
}

void put_block(BitWriter& out, std::span<const std::uint64_t> deltas) {
  if (std::ranges::all_of(deltas, [](auto delta) { return delta == 0; })) {
    out.put(kAllZero, kParameterBits);
    return;
  }
  const auto parameter = best_parameter(deltas);
  out.put(parameter, kParameterBits);
  for (const auto delta : deltas) put_rice(out, delta, parameter);
}

// Empty when nothing changes.
std::string_view put_deltas(Bits& out, std::span<const std::int64_t> values) {
  std::array<std::uint64_t, kChunkSpanMax> deltas;
  const auto count = values.size() - 1;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < count; ++i) any |= deltas[i] = zigzag(values[i + 1] - values[i]);
  if (any == 0) return {};
  BitWriter bits(out);
  for (std::size_t i = 0; i < count; i += kBlock) {
    put_block(bits, std::span(deltas).subspan(i, std::min(kBlock, count - i)));
  }
  return bits.bytes();
}

// Deltas become values by summing up, modulo 2^64, so junk cannot overflow anything.
class Column {
 public:
  Column(std::uint64_t first, std::string_view deltas, std::vector<std::int64_t>& out)
      : bits_(deltas), constant_(deltas.empty()), value_(first), out_(out.data()) {
    store(0);
  }

  bool begin_block() {
    parameter_ = constant_ ? kAllZero : static_cast<unsigned>(bits_.get(kParameterBits));
    return parameter_ <= kParameterMax || parameter_ == kAllZero;
  }
  bool is_flat() const { return parameter_ == kAllZero; }
  void next(std::size_t index) {
    value_ += unzigzag(bits_.rice(parameter_));
    store(index);
  }
  void repeat(std::size_t begin, std::size_t end) {
    std::fill(out_ + begin, out_ + end, static_cast<std::int64_t>(value_));
  }
  // After all values, or after some.
  bool sound(bool all) const {
    if (largest_ > static_cast<std::uint64_t>(kCountMax)) return false;
    return constant_ || (all ? bits_.at_end() : !bits_.overrun());
  }

 private:
  void store(std::size_t index) {
    largest_ = std::max(largest_, value_);
    out_[index] = static_cast<std::int64_t>(value_);
  }

  BitReader bits_;
  bool constant_;
  unsigned parameter_ = 0;
  std::uint64_t value_;
  std::uint64_t largest_ = 0;
  std::int64_t* out_;
};

void read_block(Column& column, std::size_t begin, std::size_t end) {
  if (column.is_flat()) return column.repeat(begin, end);
  for (auto i = begin; i < end; ++i) column.next(i);
}

// Both columns in one loop: two chains of dependent steps that the processor runs side by side.
// The first `wanted` values of `count`.
bool read_columns(Column a, Column b, std::size_t wanted, std::size_t count) {
  for (std::size_t begin = 1; begin < wanted; begin += kBlock) {
    const auto end = std::min(begin + kBlock, wanted);
    if (!a.begin_block() || !b.begin_block()) return false;
    if (a.is_flat() || b.is_flat()) {
      read_block(a, begin, end);
      read_block(b, begin, end);
      continue;
    }
    for (auto i = begin; i < end; ++i) {
      a.next(i);
      b.next(i);
    }
  }
  return a.sound(wanted == count) && b.sound(wanted == count);
}

bool read_values(ByteReader& in, std::size_t wanted, std::size_t count, Chunk& out) {
  out.followers.resize(wanted);
  out.following.resize(wanted);
  if (count == 0) return in.rest().empty();
  const auto followers = in.varint();
  const auto following = in.varint();
  const auto deltas = in.bytes(count == 1 ? 0 : in.varint());
  if (in.failed()) return false;
  return read_columns(Column(followers, deltas, out.followers),
                      Column(following, in.rest(), out.following), wanted, count);
}

std::unexpected<Error> damaged() {
  return fail(Errc::kCorrupt, "a chunk is damaged: restore the file from a backup");
}

// What is before a checksum that fits; empty when it does not.
std::string_view sound_body(std::string_view bytes, std::uint32_t span) {
  if (span == 0 || span > kChunkSpanMax || bytes.size() <= kChecksumBytes) return {};
  const auto body = bytes.substr(0, bytes.size() - kChecksumBytes);
  const bool fits = load(body.data() + body.size(), kChecksumBytes) == chunk_checksum(body);
  return fits ? body : std::string_view{};
}

Status decode(std::string_view bytes, std::uint32_t span, bool with_values, Chunk& out) {
  out.clear();
  ByteReader in(sound_body(bytes, span));
  if (!read_coverage(in, span, 0, out)) return damaged();
  const auto count = out.offsets.size();
  if (with_values && !read_values(in, count, count, out)) return damaged();
  return {};
}

}  // namespace

// Every step can be undone, so a change within one word always changes the sum.
std::uint32_t chunk_checksum(std::string_view bytes) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t sum = bytes.size() * kFactor;
  const auto mix = [&](std::uint64_t word) { sum = std::rotl((sum ^ word) * kFactor, 29); };
  while (bytes.size() >= 8) {
    mix(load(bytes.data(), 8));
    bytes.remove_prefix(8);
  }
  mix(load(bytes.data(), bytes.size()));
  return static_cast<std::uint32_t>((sum * kFactor) >> 32);
}

void Chunk::clear() {
  offsets.clear();
  followers.clear();
  following.clear();
  misses.clear();
}

void encode_chunk(const ChunkView& chunk, std::uint32_t span, std::string& out) {
  out.clear();
  put_coverage({chunk.offsets, chunk.misses, 0}, span, out);
  if (!chunk.offsets.empty()) {
    put_varint(out, static_cast<std::uint64_t>(chunk.followers[0]));
    put_varint(out, static_cast<std::uint64_t>(chunk.following[0]));
  }
  if (chunk.offsets.size() > 1) {
    Bits bits;
    const auto followers = put_deltas(bits, chunk.followers);
    put_varint(out, followers.size());
    out += followers;
    out += put_deltas(bits, chunk.following);
  }
  const auto sum = chunk_checksum(out);
  const auto end = out.size();
  out.resize(end + kChecksumBytes);
  std::memcpy(out.data() + end, &sum, kChecksumBytes);
}

Status decode_chunk(std::string_view bytes, std::uint32_t span, Chunk& out) {
  return decode(bytes, span, true, out);
}

Status decode_chunk_coverage(std::string_view bytes, std::uint32_t span, Chunk& out) {
  return decode(bytes, span, false, out);
}

Result<std::optional<Counts>> decode_chunk_value(std::string_view bytes, std::uint32_t span,
                                                 std::uint32_t offset, Chunk& scratch) {
  if (offset >= span) return std::nullopt;
  ByteReader in(sound_body(bytes, span));
  ValueIndex index;
  if (!read_index(in, span, offset, index)) return damaged();
  if (!index.is_there) return std::nullopt;
  if (!read_values(in, index.before + 1, index.count, scratch)) return damaged();
  return Counts{scratch.followers.back(), scratch.following.back()};
}

}  // namespace ia
