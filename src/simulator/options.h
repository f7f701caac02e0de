#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/influencer_set.h"
#include "simulator/faults.h"

namespace ia {

struct SimulatorOptions {
  // Host and port, "127.0.0.1:3000" or "[::1]:3000"; port 0 takes a free one.
  std::string listen = "127.0.0.1:3000";
  InfluencerSet influencers{};  // 12 bytes of memory each, kInfluencersMax at most
  std::uint64_t seed = 1;
  Faults faults{};

  // As in Node: an idle connection is closed this long after its last answer (up to a tenth
  // later), one that does not finish its request in `request_timeout` is answered 408 and closed.
  std::chrono::milliseconds keep_alive{5'000};
  std::chrono::milliseconds request_timeout{60'000};
  // is_suspicious answers after max(0, N(mean, deviation)).
  std::chrono::milliseconds verdict_mean{1'000};
  std::chrono::milliseconds verdict_deviation{1'000};

  // How many answers to remember (answer_log.h). Costs 32 bytes each; 0: none.
  std::size_t answers_kept = 0;
};

inline constexpr std::size_t kInfluencersMax = 50'000'000;

}  // namespace ia
