#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "core/own_signals.h"

namespace ia {

// Synthetic series of followers and following of which is known what happened in them. The same
// seed gives the same series. What is organic is a Poisson process whose rate follows day and week
// and wanders by the hour, less the followers that leave; accounts gain 0.02 to 200 a minute.

enum class Happening : std::uint8_t {
  kBoughtAtOnce,
  kDripFeed,
  kViral,
  kMention,
  kGlitch,
  kSawTooth,
};

struct Event {
  Happening what;
  Minute begin;
  Minute end;
  std::int64_t size = 0;
};

enum class SeriesKind : std::uint8_t {
  kOrganic,       // with a post or two a day, each worth some followers for two hours
  kGaps,          // organic; a tenth of the values are missing, and two outages of hours
  kViral,         // organic, and two posts that spread: up within half an hour, down over hours
  kGlitches,      // organic, and wrong values for a minute to three
  kClearing,      // organic, and following is cleared up once
  kMockstagram,   // followers move by 10,000 x N a minute, following by 100 x N
  kBought,        // organic, and three purchases delivered within one to three minutes
  kBoughtGaps,    // the same with gaps
  kBoughtMock,    // purchases of 50,000 to 500,000 under Mockstagram's noise
  kDrip,          // organic, and a purchase delivered evenly over 1 to 24 hours
  kSawTooth,      // organic; 250 to 1,000 accounts followed and unfollowed, every day or two
  kSawToothMock,  // the same under Mockstagram's noise
  kMentions,      // organic, and three mentions by somebody large: up within one to three minutes,
                  // down within minutes to an hour; who came stays
};
inline constexpr std::size_t kSeriesKinds = 13;
std::string_view name_of(SeriesKind kind);

struct KnownSeries {
  std::vector<Minute> minutes;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
  std::vector<Event> events;
  SeriesView view() const { return {minutes, followers, following}; }
};

KnownSeries make_series(SeriesKind kind, std::chrono::days length, std::uint64_t seed);

// An organic series with a drip feed of `spreads` times its own usual spread a minute, for
// `length`.
KnownSeries make_drip(double spreads, std::chrono::hours length, std::uint64_t seed);

}  // namespace ia
