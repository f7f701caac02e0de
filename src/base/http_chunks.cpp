// One byte at a time around the data, so that it does not matter where the bytes are cut.
#include "base/http_chunks.h"

#include <algorithm>

#include "base/http_head.h"

namespace ia::http1 {
namespace {

// 15 digits: no sum of them overflows.
constexpr std::uint64_t kSizeMax = 0xfff'ffff'ffff'ffff;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

}  // namespace

ChunkReader::State ChunkReader::read(std::string_view bytes, std::size_t& used) {
  used = 0;
  while (used < bytes.size() && place_ < Place::kDone) {
    if (place_ == Place::kData) return take_data(bytes.substr(used), used);
    place_ = ++overhead_ > kOverheadMax ? Place::kMalformed : after(bytes[used]);
    ++used;
  }
  if (place_ == Place::kDone) return State::kDone;
  if (place_ == Place::kMalformed) return State::kMalformed;
  return place_ == Place::kTooLarge ? State::kTooLarge : State::kMore;
}

ChunkReader::State ChunkReader::take_data(std::string_view bytes, std::size_t& used) {
  data_ = bytes.substr(0, std::min<std::uint64_t>(size_, bytes.size()));
  used += data_.size();
  size_ -= data_.size();
  if (size_ == 0) place_ = Place::kDataReturn;
  return State::kData;
}

ChunkReader::Place ChunkReader::after(char c) {
  switch (place_) {
    case Place::kSize:
      return digit_of(c) >= 0 ? after_size(c) : Place::kMalformed;
    case Place::kSizeGoesOn:
      return after_size(c);
    case Place::kBlank:
      if (c == ';') return Place::kExtension;
      return c == ' ' || c == '\t' ? Place::kBlank : Place::kMalformed;
    case Place::kExtension:
      if (c == '\r') return Place::kSizeEnd;
      return is_text(c) ? Place::kExtension : Place::kMalformed;
    case Place::kSizeEnd:
      return c == '\n' ? begin_data() : Place::kMalformed;
    case Place::kDataReturn:
      return c == '\r' ? Place::kDataEnd : Place::kMalformed;
    case Place::kDataEnd:
      overhead_ = 0;
      return c == '\n' ? Place::kSize : Place::kMalformed;
    case Place::kTrailer:
      return c == '\r' ? Place::kEnd : c == ':' ? Place::kMalformed : after_trailer_name(c);
    case Place::kTrailerName:
      return after_trailer_name(c);
    case Place::kTrailerValue:
      if (c == '\r') return Place::kTrailerEnd;
      return is_text(c) ? Place::kTrailerValue : Place::kMalformed;
    case Place::kTrailerEnd:
      return c == '\n' ? Place::kTrailer : Place::kMalformed;
    case Place::kEnd:
      return c == '\n' ? Place::kDone : Place::kMalformed;
    default:
      return place_;
  }
}

ChunkReader::Place ChunkReader::after_size(char c) {
  const auto digit = digit_of(c);
  if (digit >= 0) {
    if (size_ > kSizeMax / 16) return Place::kMalformed;
    size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    return Place::kSizeGoesOn;
  }
  if (c == '\r') return Place::kSizeEnd;
  if (c == ';') return Place::kExtension;
  return c == ' ' || c == '\t' ? Place::kBlank : Place::kMalformed;
}

ChunkReader::Place ChunkReader::after_trailer_name(char c) const {
  if (c == ':') return Place::kTrailerValue;
  return is_token({&c, 1}) ? Place::kTrailerName : Place::kMalformed;
}

ChunkReader::Place ChunkReader::begin_data() {
  if (size_ == 0) return Place::kTrailer;
  if (size_ > left_) return Place::kTooLarge;
  left_ -= size_;
  return Place::kData;
}

}  // namespace ia::http1
