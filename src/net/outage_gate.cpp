#include "net/outage_gate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace ia {
namespace {

using std::chrono::duration;
using std::chrono::seconds;

constexpr std::size_t kNoLimit = SIZE_MAX;
constexpr int kGain = 20;
constexpr int kRampBalance = 64;
constexpr seconds kRampTime{6};
constexpr double kDoublingsPerSecond = 2;  // 4,096 times the rate of the probes in the end
constexpr double kRampBurst = 0.25;  // seconds' worth of requests at once

}  // namespace

std::size_t OutageGate::allowed(MonoTime now) {
  now_ = now;
  if (state_ == State::kRamp && now - ramp_began_ >= kRampTime) {
    state_ = State::kOpen;
    opened_at_ = now;
  }
  if (state_ == State::kOpen) return kNoLimit;
  if (state_ == State::kShut) return now >= next_probe_ ? 1 : 0;
  refill(now);
  return static_cast<std::size_t>(tokens_);
}

void OutageGate::refill(MonoTime now) {
  const auto probes = 1 / duration<double>(probe_every_).count();
  const auto ramping = duration<double>(now - ramp_began_).count();
  const auto rate = probes * std::exp2(ramping * kDoublingsPerSecond);
  tokens_ += rate * duration<double>(now - filled_at_).count();
  tokens_ = std::min(tokens_, std::max(1.0, rate * kRampBurst));
  filled_at_ = now;
}

void OutageGate::on_begin(std::size_t count) {
  if (count > 0 && state_ == State::kShut) next_probe_ = now_ + probe_every_;
  if (state_ == State::kRamp) tokens_ = std::max(0.0, tokens_ - static_cast<double>(count));
}

void OutageGate::on_unsent(std::size_t count) {
  if (state_ == State::kShut) next_probe_ = now_;
  if (state_ == State::kRamp) tokens_ += static_cast<double>(count);
}

void OutageGate::on_success(MonoTime now) {
  if (state_ == State::kShut) {
    state_ = State::kRamp;
    balance_ = kRampBalance;
    ramp_began_ = filled_at_ = now;
    tokens_ = 1;
  }
  balance_ = std::min(kBalanceMax, balance_ + kGain);
}

void OutageGate::on_failure(MonoTime now) {
  if (state_ == State::kShut || --balance_ > 0) return;
  state_ = State::kShut;
  next_probe_ = now + probe_every_;
}

}  // namespace ia
