#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace ia {

// Wall time, UTC, in milliseconds: names minutes. Monotonic time: measures waits.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonoTime = std::chrono::steady_clock::time_point;

// How far wall() can be relied on.
enum class ClockTrust : std::uint8_t {
  kDoubtful,   // It stepped or contradicts the network, and which of them is right is not settled.
  kPlausible,  // Nothing contradicts it.
  kConfirmed,  // The network's clock has agreed with it for an hour.
};

// The only source of time. Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
  // While it is kDoubtful, nothing may be stamped with wall(), closed or deleted by it.
  virtual ClockTrust trust() const { return ClockTrust::kPlausible; }
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  // Goes on while the machine is suspended, as steady_clock does not: a suspension is no step.
  MonoTime mono() const override {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return MonoTime{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
  }
};

}  // namespace ia
