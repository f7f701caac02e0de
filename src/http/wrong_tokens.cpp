#include "http/wrong_tokens.h"

#include <algorithm>

namespace ia {
namespace {

constexpr double kTriesPerSecond = 1;
constexpr std::chrono::seconds kBurstTime{WrongTokens::kBurst};
constexpr std::chrono::minutes kLogPause{1};
constexpr std::size_t kAddressesMax = 1'000;

}  // namespace

WrongTokens::WrongTokens(Metrics& metrics, Log& log)
    : limiter_(kTriesPerSecond, kBurstTime),
      total_(metrics.counter("ia_http_wrong_tokens_total",
                             "Changes that came with a wrong token, or too soon after one.")),
      log_(log) {}

WrongTokens::~WrongTokens() {
  if (untold_ > 0) log_all({});
}

std::optional<std::chrono::nanoseconds> WrongTokens::wait(const IpAddress& client,
                                                          MonoTime now) {
  const auto left = limiter_.wait(client.limit_key(), now);
  if (left) count(client, now);
  return left;
}

void WrongTokens::add(const IpAddress& client, MonoTime now) {
  (void)limiter_.refuse(client.limit_key(), now);
  count(client, now);
}

void WrongTokens::count(const IpAddress& client, MonoTime now) {
  total_.add();
  const std::scoped_lock lock(mutex_);
  ++untold_;
  const auto address = client.text();
  if (by_address_.size() < kAddressesMax || by_address_.contains(address)) ++by_address_[address];
  if (!told_at_ || now - *told_at_ >= kLogPause) log_all(now);
}

void WrongTokens::tell(MonoTime now) {
  const std::scoped_lock lock(mutex_);
  if (untold_ > 0 && now - *told_at_ >= kLogPause) log_all(now);
}

void WrongTokens::log_all(MonoTime now) {
  const auto most =
      std::ranges::max_element(by_address_, {}, [](const auto& one) { return one.second; });
  log_.warning("api", "changes were tried with a wrong token",
               {{"count", untold_},
                {"address", most->first},
                {"addresses", by_address_.size()}});
  by_address_.clear();
  untold_ = 0;
  told_at_ = now;
}

}  // namespace ia
