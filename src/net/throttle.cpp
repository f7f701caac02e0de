#include "net/throttle.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kNoLimit = SIZE_MAX;
constexpr milliseconds kBackoffCap{5'000};

}  // namespace

std::size_t TokenBucket::available(MonoTime now) {
  if (unlimited()) return kNoLimit;
  if (filled_at_) {
    tokens_ += rate_ * std::chrono::duration<double>(now - *filled_at_).count();
    tokens_ = std::min(tokens_, burst_);
  }
  filled_at_ = now;
  return tokens_ < 1 ? 0 : static_cast<std::size_t>(tokens_);
}

void AimdLimit::on_success(std::size_t in_flight) {
  if (static_cast<double>(in_flight) * 2 < limit_) return;
  limit_ = std::min(cap_, limit_ + (limit_ < regained_ ? 1 : 1 / limit_));
  if (limit_ >= regained_) regained_ = 0;
}

void AimdLimit::on_trouble(MonoTime now, std::chrono::nanoseconds round_trip) {
  if (lowered_at_ && now - *lowered_at_ < round_trip) return;
  lowered_at_ = now;
  limit_ = std::max(floor_, limit_ * 0.9);
}

milliseconds full_jitter(std::uint32_t attempt, milliseconds base, std::mt19937_64& random) {
  const auto top = std::min(kBackoffCap, base * (1 << std::min(attempt, 8u)));
  return milliseconds{std::uniform_int_distribution<std::int64_t>(0, top.count())(random)};
}

}  // namespace ia
