#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ia {

// A 64-bit digest to tell values apart by accident, not by malice. The same on every machine.
class Hash64 {
 public:
  void add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9e37'79b9'7f4a'7c15;
    state_ ^= state_ >> 32;
  }
  void add(std::span<const std::int64_t> words) {
    add(words.size());
    for (const auto word : words) add(static_cast<std::uint64_t>(word));
  }
  std::uint64_t value() const {
    auto mixed = state_ ^ state_ >> 33;
    mixed *= 0xff51'afd7'ed55'8ccd;
    return mixed ^ mixed >> 33;
  }

 private:
  std::uint64_t state_ = 0x2545'f491'4f6c'dd1d;
};

// An entity tag of what was added, with its quotes.
std::string etag_of(const Hash64& hash);

}  // namespace ia
