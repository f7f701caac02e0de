#include "http/rate_limiter.h"

#include <algorithm>

namespace ia {

using std::chrono::nanoseconds;

RateLimiter::RateLimiter(double requests_per_second, nanoseconds burst) {
  if (requests_per_second <= 0) return;
  interval_ = nanoseconds{static_cast<std::int64_t>(1e9 / requests_per_second)};
  interval_ = std::max(interval_, nanoseconds{1});
  burst_ = std::max<nanoseconds>(burst, interval_) - interval_;
}

std::optional<nanoseconds> RateLimiter::refuse(std::uint64_t client, MonoTime now) {
  if (!is_on()) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto [entry, is_new] = paid_until_.try_emplace(client, now);
  auto& paid_until = entry->second;
  const auto ahead = std::max(paid_until, now) - now;
  if (ahead > burst_) return ahead - burst_;
  paid_until = now + ahead + interval_;
  if (is_new && paid_until_.size() > kClientsMax) forget_idle(now);
  return std::nullopt;
}

std::optional<nanoseconds> RateLimiter::wait(std::uint64_t client, MonoTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = paid_until_.find(client);
  if (found == paid_until_.end()) return std::nullopt;
  const auto ahead = std::max(found->second, now) - now;
  return ahead > burst_ ? std::optional(ahead - burst_) : std::nullopt;
}

// When nobody is idle, everybody is forgotten: a flood of addresses cannot be limited by address.
void RateLimiter::forget_idle(MonoTime now) {
  std::erase_if(paid_until_, [now](const auto& client) { return client.second <= now; });
  if (paid_until_.size() > kClientsMax) paid_until_.clear();
}

}  // namespace ia
