#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>

#include "base/clock.h"
#include "base/error.h"

namespace ia {

struct SqsRetryOptions {
  int attempts_max = 4;                               // the first one included
  std::chrono::milliseconds delay_min{50};            // doubled with each attempt
  std::chrono::milliseconds overload_delay_min{500};  // the same, after kOverloaded
  std::chrono::milliseconds delay_max{5'000};
  std::chrono::milliseconds time_max{12'000};  // no attempt begins later than this
  // How to wait; tests give another one.
  std::function<void(std::chrono::milliseconds)> sleep{};
  std::uint64_t seed = 0;  // of the jitter; 0: chosen at random
};

// When to try again: full jitter (anything from 0 to the delay), and a budget over all callers,
// so that an outage is not answered with four times the load: a retry takes five of 500 tokens,
// and each success puts one back. Safe to call from any thread.
class SqsRetries {
 public:
  SqsRetries(SqsRetryOptions options, const Clock& clock);

  // The attempts of one operation, by one thread.
  class Attempts {
   public:
    // After a failure that may pass: waits, then true; or false, when it is time to give up.
    bool again(Errc code);
    void succeeded() { retries_.put_back(); }
    int count() const { return count_; }

   private:
    friend class SqsRetries;
    explicit Attempts(SqsRetries& retries) : retries_(retries), began_(retries.clock_.mono()) {}
    SqsRetries& retries_;
    MonoTime began_;
    int count_ = 1;
  };
  Attempts begin() { return Attempts(*this); }
  void wait(std::chrono::milliseconds time) const { options_.sleep(time); }

 private:
  static constexpr int kTokensMax = 500;
  static constexpr int kTokensARetry = 5;

  bool take();
  void put_back();
  std::chrono::milliseconds delay(int attempt, Errc code);

  const SqsRetryOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  int tokens_ = kTokensMax;
  std::mt19937_64 random_;
};

}  // namespace ia
