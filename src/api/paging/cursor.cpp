#include "api/paging/cursor.h"

#include <array>

#include "base/hash.h"

namespace ia {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kWords = 5;
constexpr std::size_t kBytes = kWords * 8;
constexpr std::size_t kCharacters = (kBytes * 8 + 5) / 6;
using Words = std::array<std::uint64_t, kWords>;

std::uint64_t checksum(const Words& words) {
  Hash64 hash;
  for (std::size_t i = 0; i + 1 < kWords; ++i) hash.add(words[i]);
  return hash.value();
}

unsigned bit_of(const Words& words, std::size_t bit) {
  return bit < kBytes * 8 ? static_cast<unsigned>(words[bit / 64] >> (bit % 64) & 1) : 0;
}

}  // namespace

std::string encode(const Cursor& cursor) {
  Words words = {cursor.version,
                 static_cast<std::uint64_t>(cursor.published_at.time_since_epoch().count()),
                 static_cast<std::uint64_t>(cursor.followers), number_of(cursor.influencer), 0};
  words[kWords - 1] = checksum(words);
  std::string text;
  for (std::size_t i = 0; i < kCharacters; ++i) {
    unsigned six = 0;
    for (std::size_t bit = 0; bit < 6; ++bit) six |= bit_of(words, i * 6 + bit) << bit;
    text.push_back(kAlphabet[six]);
  }
  return text;
}

std::optional<Cursor> decode_cursor(std::string_view text) {
  if (text.size() != kCharacters) return std::nullopt;
  Words words{};
  for (std::size_t i = 0; i < kCharacters; ++i) {
    const auto six = kAlphabet.find(text[i]);
    if (six == std::string_view::npos) return std::nullopt;
    for (std::size_t bit = 0; bit < 6; ++bit) {
      const auto place = i * 6 + bit;
      const std::uint64_t value = six >> bit & 1;
      if (place < kBytes * 8) {
        words[place / 64] |= value << (place % 64);
      } else if (value != 0) {
        return std::nullopt;
      }
    }
  }
  if (words[kWords - 1] != checksum(words) || words[3] > kInfluencerIdMax) return std::nullopt;
  return Cursor{
      .version = words[0],
      .published_at = WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(words[1])}},
      .followers = static_cast<std::int64_t>(words[2]),
      .influencer = InfluencerId{words[3]}};
}

}  // namespace ia
