#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ia::http1 {

// Takes the chunks off a body with "Transfer-Encoding: chunked" (RFC 9112, section 7.1), however
// its bytes are cut. Extensions and trailers are checked for their form and passed over; the lines
// around a chunk's data may have kOverheadMax bytes together.
class ChunkReader {
 public:
  enum class State : std::uint8_t {
    kMore,       // every byte was used, and the body goes on
    kData,       // see data(); call again for what follows
    kDone,       // the last chunk and the trailers have been used
    kMalformed,  // nothing behind it can be understood
    kTooLarge,   // more than body_max bytes are announced
  };
  static constexpr std::size_t kOverheadMax = 8 * 1024;

  explicit ChunkReader(std::uint64_t body_max) : left_(body_max) {}

  // Reads from the front of `bytes`; `used` of them are done with.
  State read(std::string_view bytes, std::size_t& used);
  // A piece of the body, after kData: a part of the bytes that were given.
  std::string_view data() const { return data_; }

 private:
  enum class Place : std::uint8_t {
    kSize,        // the first digit of a size
    kSizeGoesOn,  // more of them, or what follows them
    kBlank,       // between the size and an extension
    kExtension,   // up to the end of the line
    kSizeEnd,     // the line feed
    kData,
    kDataReturn,  // the line end behind the data
    kDataEnd,
    kTrailer,  // the beginning of a line behind the last chunk
    kTrailerName,
    kTrailerValue,
    kTrailerEnd,  // the line feed of a trailer
    kEnd,         // the line feed of the empty line
    kDone,
    kMalformed,
    kTooLarge,
  };
  Place after(char c);
  Place after_size(char c);
  Place after_trailer_name(char c) const;
  Place begin_data();
  State take_data(std::string_view bytes, std::size_t& used);

  std::uint64_t left_;      // how much more the body may have
  std::uint64_t size_ = 0;  // of this chunk: what is still to come
  std::size_t overhead_ = 0;
  std::string_view data_;
  Place place_ = Place::kSize;
};

}  // namespace ia::http1
