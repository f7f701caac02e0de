#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/varint.h"

// Streams of bits that share one range of bytes: one grows from its front, the other from its back,
// so that the two need one length and waste less than a byte between them. Numbers are Rice codes:
// `value >> parameter` zeros, a one, and the `parameter` low bits; kEscape zeros announce a value
// of kEscapedBits as it is. docs/formats.md, Packed segment.
namespace ia::packed {

inline constexpr unsigned kEscape = 24;
inline constexpr unsigned kEscapedBits = 54;
inline constexpr unsigned kParameterMax = 54;

inline std::uint64_t load(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

inline std::uint64_t low_bits(std::uint64_t word, unsigned count) {
  return word & ((std::uint64_t{1} << count) - 1);
}

// Without a branch, which would be guessed wrong.
inline std::uint64_t select(bool is_first, std::uint64_t first, std::uint64_t second) {
  const auto mask = std::uint64_t{0} - (is_first ? 1 : 0);
  return (first & mask) | (second & ~mask);
}

// Codes out of a stream's own put(value, count), count <= 56. Small, so that a loop can keep a copy
// in registers: what is put goes to memory of somebody else, with room for 8 bytes behind the last.
template <class Stream>
class CodeWriter {
 public:
  explicit CodeWriter(char* to) : begin_(to), at_(to) {}
  void put_rice(std::uint64_t value, unsigned parameter) {
    const auto quotient = value >> parameter;
    if (quotient >= kEscape || parameter > 30) return put_long(value, parameter);
    const auto zeros = static_cast<unsigned>(quotient);
    stream().put_unary(zeros, low_bits(value, parameter), parameter);
  }
  // Two bits for a quotient of 0 to 2; ones, one fewer than the quotient, and a zero for a larger
  // one; then the low bits.
  void put_bell(std::uint64_t value, unsigned parameter) {
    const auto quotient = value >> parameter;
    if (quotient >= kEscape || parameter > 30) [[unlikely]]
      return put_long_bell(value, parameter);
    const auto code = Stream::bell_code(static_cast<unsigned>(quotient));
    const auto length = static_cast<unsigned>(std::max<std::uint64_t>(2, quotient));
    stream().put_code(code, length, low_bits(value, parameter), parameter);
  }
  // As put_rice, of values and parameters of up to 63 bits.
  void put_wide_rice(std::uint64_t value, unsigned parameter) {
    const auto quotient = value >> parameter;
    const bool is_escaped = quotient >= kEscape;
    stream().put(is_escaped ? 0 : Stream::unary_code(static_cast<unsigned>(quotient)),
                 is_escaped ? kEscape : static_cast<unsigned>(quotient) + 1);
    const auto count = is_escaped ? 63 : parameter;
    const auto upper = count / 2;
    stream().put(low_bits(value, count) >> (count - upper), upper);
    stream().put(low_bits(value, count - upper), count - upper);
  }
  void put_signed(std::int64_t value) { put_rice(zigzag(value), 0); }
  std::size_t bits() const { return written() * 8 + used_; }

 protected:
  std::size_t written() const { return static_cast<std::size_t>(at_ - begin_); }

  char* begin_;
  char* at_;
  std::uint64_t word_ = 0;  // what does not fill a byte yet
  unsigned used_ = 0;       // bits of it, less than 8 between calls

 private:
  Stream& stream() { return static_cast<Stream&>(*this); }
  void put_long(std::uint64_t value, unsigned parameter) {
    const auto quotient = value >> parameter;
    if (quotient >= kEscape) {
      stream().put(0, kEscape);
      return stream().put(value, kEscapedBits);
    }
    stream().put_unary(static_cast<unsigned>(quotient), 0, 0);
    stream().put(low_bits(value, parameter), parameter);
  }
  void put_long_bell(std::uint64_t value, unsigned parameter) {
    const auto quotient = value >> parameter;
    if (quotient >= kEscape) {
      stream().put(low_bits(~std::uint64_t{0}, kEscape), kEscape);
      return stream().put(value, kEscapedBits);
    }
    const auto length = static_cast<unsigned>(std::max<std::uint64_t>(2, quotient));
    stream().put(Stream::bell_code(static_cast<unsigned>(quotient)), length);
    stream().put(low_bits(value, parameter), parameter);
  }
};

// The most significant bit of a byte first.
class FrontWriter final : public CodeWriter<FrontWriter> {
 public:
  using CodeWriter::CodeWriter;
  // Bits of the value above `count` must be 0.
  void put(std::uint64_t value, unsigned count) {
    if (count == 0) return;
    used_ += count;
    word_ |= value << (64 - used_);
    const auto bytes = __builtin_bswap64(word_);
    std::memcpy(at_, &bytes, sizeof bytes);
    at_ += used_ >> 3;
    word_ <<= used_ & 56;
    used_ &= 7;
  }
  static std::uint64_t unary_code(unsigned) { return 1; }
  static std::uint64_t bell_code(unsigned quotient) {
    return select(quotient < 3, quotient, (std::uint64_t{1} << quotient) - 2);
  }
  void put_code(std::uint64_t code, unsigned count, std::uint64_t low, unsigned low_count) {
    put(code << low_count | low, count + low_count);
  }
  void put_unary(unsigned zeros, std::uint64_t low, unsigned low_count) {
    put((std::uint64_t{1} << low_count) | low, zeros + 1 + low_count);
  }
  void append_to(std::string& out) const {
    out.append(begin_, written());
    if (used_ > 0) out.push_back(static_cast<char>(word_ >> 56));
  }
};

// The least significant bit of a byte first; its bytes stand in descending order.
class BackWriter final : public CodeWriter<BackWriter> {
 public:
  using CodeWriter::CodeWriter;
  void put(std::uint64_t value, unsigned count) {
    word_ |= value << used_;
    used_ += count;
    std::memcpy(at_, &word_, sizeof word_);
    at_ += used_ >> 3;
    word_ >>= used_ & 56;
    used_ &= 7;
  }
  static std::uint64_t unary_code(unsigned zeros) { return std::uint64_t{1} << zeros; }
  static std::uint64_t bell_code(unsigned quotient) {
    return select(quotient < 3, quotient >> 1 | (quotient & 1) << 1,
                  (std::uint64_t{1} << quotient >> 1) - 1);
  }
  void put_code(std::uint64_t code, unsigned count, std::uint64_t low, unsigned low_count) {
    put(low << count | code, count + low_count);
  }
  void put_unary(unsigned zeros, std::uint64_t low, unsigned low_count) {
    put((std::uint64_t{1} << zeros) | low << (zeros + 1), zeros + 1 + low_count);
  }
  // Behind the front stream's bytes in `out`, whose last byte it may share.
  void append_to(std::string& out, std::size_t front_bits) const {
    if (used_ > 0) {
      const bool is_shared = front_bits % 8 != 0 && front_bits % 8 + used_ <= 8;
      if (!is_shared) out.push_back('\0');
      out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) | word_);
    }
    for (const char* byte = at_; byte != begin_;) out.push_back(*--byte);
  }
};

// Reads one of the two streams. Bits behind the end of the range read as zeros; `bits` tells.
template <bool kFromFront>
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t get(unsigned count) {
    if (count == 0) return 0;
    const auto word = window();
    bit_ += count;
    return kFromFront ? word >> (64 - count) : low_bits(word, count);
  }

  std::uint64_t rice(unsigned parameter) {
    const auto word = window();
    const auto zeros = count_zeros(word);
    if (zeros >= kEscape || parameter > 32) [[unlikely]]
      return rice_slow(zeros, parameter);
    bit_ += zeros + 1 + parameter;
    const auto low = kFromFront ? (word << (zeros + 1)) >> 1 >> (63 - parameter)
                                : low_bits(word >> (zeros + 1), parameter);
    return (std::uint64_t{zeros} << parameter) | low;
  }

  std::uint64_t bell(unsigned parameter) {
    const auto word = window();
    const auto ones = count_zeros(~word);
    if (ones >= kEscape || parameter > 32) [[unlikely]]
      return bell_slow(ones, parameter);
    const auto two = kFromFront ? word >> 62 : (word & 1) << 1 | (word >> 1 & 1);
    const auto quotient = select(ones < 2, two, ones + 1);
    const auto length = static_cast<unsigned>(select(ones < 2, 2, ones + 1));
    bit_ += length + parameter;
    const auto low = kFromFront ? (word << length) >> 1 >> (63 - parameter)
                                : low_bits(word >> length, parameter);
    return (quotient << parameter) | low;
  }

  std::uint64_t wide_rice(unsigned parameter) {
    const auto zeros = count_zeros(window());
    const bool is_escaped = zeros >= kEscape;
    bit_ += is_escaped ? kEscape : zeros + 1;
    const auto count = is_escaped ? 63 : parameter;
    const auto upper = get(count / 2);
    const auto low = upper << (count - count / 2) | get(count - count / 2);
    return is_escaped ? low : std::uint64_t{zeros} << parameter | low;
  }

  std::int64_t signed_rice() { return static_cast<std::int64_t>(unzigzag(rice(0))); }
  std::size_t bits() const { return bit_; }

 private:
  static unsigned count_zeros(std::uint64_t word) {
    if (kFromFront) return static_cast<unsigned>(std::countl_zero(word | 1));
    return static_cast<unsigned>(std::countr_zero(word | std::uint64_t{1} << 63));
  }

  // At least 57 bits from the current one on: at the top, or at the bottom.
  std::uint64_t window() const {
    const std::size_t byte = bit_ >> 3;
    const auto word = __builtin_bswap64(word_at(byte));
    return kFromFront ? word << (bit_ & 7) : word >> (bit_ & 7);
  }

  std::uint64_t word_at(std::size_t byte) const {
    if (byte + 8 <= bytes_.size()) [[likely]] {
      return load(kFromFront ? bytes_.data() + byte : bytes_.data() + bytes_.size() - byte - 8, 8);
    }
    if (byte >= bytes_.size()) return 0;
    const auto left = bytes_.size() - byte;
    if (kFromFront) return load(bytes_.data() + byte, left);
    return load(bytes_.data(), left) << (8 * (8 - left));
  }

  std::uint64_t rice_slow(unsigned zeros, unsigned parameter) {
    if (zeros >= kEscape) {
      bit_ += kEscape;
      return get(kEscapedBits);
    }
    bit_ += zeros + 1;
    return (std::uint64_t{zeros} << parameter) | get(parameter);
  }

  std::uint64_t bell_slow(unsigned ones, unsigned parameter) {
    if (ones >= kEscape) {
      bit_ += kEscape;
      return get(kEscapedBits);
    }
    const auto first = get(1);
    const auto two = first << 1 | get(1);
    if (two < 3) return two << parameter | get(parameter);
    bit_ += ones - 1;
    return (std::uint64_t{ones} + 1) << parameter | get(parameter);
  }

  std::string_view bytes_;
  std::size_t bit_ = 0;
};

using FrontReader = BitReader<true>;
using BackReader = BitReader<false>;

}  // namespace ia::packed
