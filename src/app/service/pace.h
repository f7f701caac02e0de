#pragma once

#include <chrono>
#include <cstddef>

namespace ia {

// How the stages ask their queues.
struct Pace {
  std::chrono::milliseconds fetcher_wait;
  std::chrono::milliseconds fetcher_rest;
  std::chrono::milliseconds fetcher_gather;
  std::size_t fetcher_full_call;
  std::chrono::milliseconds fetcher_take_apart;
  std::chrono::milliseconds sink_wait;
};
// Shards that end within a second are sent in one transaction, because each transaction writes
// whole pages: twenty shards at a million influencers per minute. A due one waits half a second.
inline constexpr Pace kEmbeddedPace{.fetcher_wait = std::chrono::milliseconds{0},
                                    .fetcher_rest = std::chrono::milliseconds{50},
                                    .fetcher_gather = std::chrono::milliseconds{1'000},
                                    .fetcher_full_call = 64,
                                    .fetcher_take_apart = std::chrono::milliseconds{500},
                                    .sink_wait = std::chrono::milliseconds{250}};
// Every call costs money, whether it is full or not, and whole seconds are the least that SQS
// waits.
inline constexpr Pace kSqsPace{.fetcher_wait = std::chrono::milliseconds{1'000},
                               .fetcher_rest = std::chrono::milliseconds{0},
                               .fetcher_gather = std::chrono::milliseconds{500},
                               .fetcher_full_call = 10,
                               .fetcher_take_apart = std::chrono::milliseconds{500},
                               .sink_wait = std::chrono::milliseconds{5'000}};

// How often the feeds look.
inline constexpr std::chrono::milliseconds kFollowEvery{1'000};
// Snapshots take at most a fiftieth of a core, however many influencers change.
inline constexpr int kFollowRestFactor = 49;
inline constexpr std::chrono::milliseconds kFollowRestMax{4'000};

}  // namespace ia
