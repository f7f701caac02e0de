#include "adapters/sqs/retry.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;

SqsRetryOptions completed(SqsRetryOptions options) {
  if (!options.sleep) {
    options.sleep = [](milliseconds time) { std::this_thread::sleep_for(time); };
  }
  if (options.seed == 0) options.seed = std::random_device{}();
  return options;
}

}  // namespace

SqsRetries::SqsRetries(SqsRetryOptions options, const Clock& clock)
    : options_(completed(std::move(options))), clock_(clock), random_(options_.seed) {}

bool SqsRetries::Attempts::again(Errc code) {
  if (count_ >= retries_.options_.attempts_max) return false;
  const auto delay = retries_.delay(count_, code);
  if (retries_.clock_.mono() + delay > began_ + retries_.options_.time_max) return false;
  if (!retries_.take()) return false;
  ++count_;
  retries_.options_.sleep(delay);
  return true;
}

milliseconds SqsRetries::delay(int attempt, Errc code) {
  const auto first = code == Errc::kOverloaded ? options_.overload_delay_min : options_.delay_min;
  const auto bound = std::min(options_.delay_max, first * (std::int64_t{1} << (attempt - 1)));
  const std::scoped_lock lock(mutex_);
  return milliseconds{std::uniform_int_distribution<std::int64_t>(0, bound.count())(random_)};
}

bool SqsRetries::take() {
  const std::scoped_lock lock(mutex_);
  if (tokens_ < kTokensARetry) return false;
  tokens_ -= kTokensARetry;
  return true;
}

void SqsRetries::put_back() {
  const std::scoped_lock lock(mutex_);
  tokens_ = std::min(kTokensMax, tokens_ + 1);
}

}  // namespace ia
