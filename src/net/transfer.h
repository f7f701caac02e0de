#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace ia {

// What came of sending or receiving over a socket that does not block.
struct Transfer {
  enum class End : std::uint8_t {
    kNone,
    kClosed,  // by the peer, in an orderly way
    kBroken,
  };
  std::size_t bytes = 0;     // none without an end: nothing can be moved now
  bool may_be_more = false;  // receiving again may return more at once
  End end = End::kNone;
  std::string cause{};  // of the end, for people

  bool has_ended() const { return end != End::kNone; }

  static Transfer closed() { return {.end = End::kClosed, .cause = "End of file"}; }
  static Transfer broken(std::string why) { return {.end = End::kBroken, .cause = std::move(why)}; }
  // What errno says after a call that failed.
  static Transfer failed(int error);
};

}  // namespace ia
