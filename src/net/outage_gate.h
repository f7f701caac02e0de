#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace ia {

inline constexpr std::chrono::milliseconds kProbeEvery{125};

// Shuts when nearly everything fails; partial failures are AimdLimit's business. Time is passed
// in. One thread.
//
// A balance decides: a failure takes one from it, a success gives twenty, and it never exceeds 256.
// So a network that answers one request in ten keeps it full, and one that answers fewer than one
// in twenty-one empties it, after 256 failures in a row at the soonest. Then the gate is shut, but
// for a probe every 125 ms. The first success begins the ramp: a small balance to prove itself
// with, and a rate that begins at that of the probes and doubles every half second. When the ramp
// is over the gate is open. So at any share of errors that it stays open at, it is open again
// within seconds.
class OutageGate {
 public:
  explicit OutageGate(std::chrono::milliseconds probe_every = kProbeEvery)
      : probe_every_(probe_every) {}

  // How many requests may begin now.
  std::size_t allowed(MonoTime now);
  void on_begin(std::size_t count);
  void on_success(MonoTime now);
  void on_failure(MonoTime now);
  // Requests that were begun came to nothing, neither well nor badly.
  void on_unsent(std::size_t count);

  bool is_open() const { return state_ == State::kOpen; }
  bool is_shut() const { return state_ == State::kShut; }
  // When requests were last held back; the beginning of time if never.
  MonoTime held_back_until(MonoTime now) const { return is_open() ? opened_at_ : now; }

 private:
  enum class State { kOpen, kShut, kRamp };
  void refill(MonoTime now);

  std::chrono::milliseconds probe_every_;
  State state_ = State::kOpen;
  int balance_ = kBalanceMax;
  MonoTime opened_at_{};
  MonoTime next_probe_{};
  MonoTime now_{};
  MonoTime ramp_began_{}, filled_at_{};
  double tokens_ = 0;  // requests that the ramp allows

  static constexpr int kBalanceMax = 256;
};

}  // namespace ia
