#include "base/trusted_clock.h"

#include <cstdint>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kFollowed{50};          // smaller changes of the offset are jitter
constexpr milliseconds kDriftMax{5'000};       // of the monotonic clock, while it is all there is
constexpr milliseconds kHalfSecond{500};       // a Date has whole seconds
constexpr milliseconds kTickTolerance{2'500};  // of replies that take their time
constexpr minutes kHeardLately{10};
constexpr minutes kStartTolerance{5};  // a network's clock that is off by less is no reason to wait
constexpr seconds kWitnessPatience{15};
constexpr seconds kFlicker{1};  // a step that is over sooner is not worth a second line

bool is_close(milliseconds a, milliseconds b) {
  return std::chrono::abs(a - b) < TrustedClock::kStepMin;
}

milliseconds since_epoch(MonoTime time) {
  return std::chrono::floor<milliseconds>(time.time_since_epoch());
}

}  // namespace

TrustedClock::TrustedClock(const Clock& machine, Metrics& metrics, Log& log)
    : machine_(machine),
      log_(log),
      started_at_(machine.mono()),
      offset_ms_(machine_offset().count()),
      steps_total_(metrics.counter("ia_clock_steps_total", "Steps of the wall clock seen.")),
      doubtful_gauge_(metrics.gauge("ia_clock_doubtful",
                                    "1 while nothing is stored because the time is in doubt.")) {}

milliseconds TrustedClock::machine_offset() const {
  return machine_.wall().time_since_epoch() - since_epoch(machine_.mono());
}

bool TrustedClock::goes_along(milliseconds offset) const {
  return is_close(offset, milliseconds{offset_ms_.load()});
}

WallTime TrustedClock::wall() const {
  const auto now = machine_.mono();
  const auto offset = machine_.wall().time_since_epoch() - since_epoch(now);
  if (goes_along(offset) && !is_stepped_) {
    const milliseconds known{offset_ms_.load()};
    if (std::chrono::abs(offset - known) >= kFollowed) offset_ms_ = offset.count();
    return WallTime{since_epoch(now) + offset};
  }
  look();
  return WallTime{since_epoch(machine_.mono()) + milliseconds{offset_ms_.load()}};
}

// The slow path: the machine's clock is somewhere else, or was a moment ago. It is read again, as
// this thread may have been stopped between the two readings.
void TrustedClock::look() const {
  const std::scoped_lock lock(mutex_);
  const auto now = machine_.mono();
  const auto offset = machine_.wall().time_since_epoch() - since_epoch(now);
  if (goes_along(offset)) {
    const bool lasted = step_ && now - step_->since >= kFlicker;
    if (lasted) log_.info("clock", "the wall clock is back where it should be");
    step_.reset();
    is_stepped_ = false;
    offset_ms_ = offset.count();
    return;
  }
  if (!step_ || !is_close(step_->offset, offset)) {
    step_ = Step{.offset = offset, .since = now};
    is_stepped_ = true;
    steps_total_.add();
    log_step(now, offset - milliseconds{offset_ms_.load()});
  }
  settle(now);
}

// A clock that flickers is logged once a minute.
void TrustedClock::log_step(MonoTime now, milliseconds by) const {
  if (step_logged_at_ && now - *step_logged_at_ < minutes{1}) return;
  step_logged_at_ = now;
  log_.warning("clock", "the wall clock stepped: nothing is stored until the time is confirmed",
               {{"by_ms", by.count()}});
}

void TrustedClock::settle(MonoTime now) const {
  if (!step_) return;
  const milliseconds held{offset_ms_.load()};
  if (is_ticking() && network_->last > step_->since) {
    const auto said = network_->offset;
    const auto skew = skew_.value_or(milliseconds{0});
    if (is_close(said, step_->offset)) return follow("the network's clock agrees with it");
    if (is_close(said, held) || is_close(said - skew, held)) {
      if (step_->finding == Finding::kOpen) {
        log_.warning("clock",
                     "the wall clock is wrong by the network's: the time goes on without it; set "
                     "it right");
      }
      step_->finding = Finding::kRefused;
      const bool has_drifted = std::chrono::abs(said - held) > kDriftMax;
      if (is_close(said, held) && has_drifted) offset_ms_ = said.count();
      return;
    }
    if (is_close(said - skew, step_->offset)) return follow("the network's clock went along");
  }
  const bool is_open = step_->finding == Finding::kOpen;
  if (is_open && now - step_->since >= kSettledAfter) follow("it has not stepped again");
}

void TrustedClock::follow(const char* why) const {
  log_.warning("clock", "the wall clock's step is followed", {{"because", why}});
  offset_ms_ = step_->offset.count();
  step_.reset();
  is_stepped_ = false;
  agreed_since_.reset();
}

void TrustedClock::note(const ClockReading& reading) {
  (void)wall();  // so that a step is seen before what is said of it
  const std::scoped_lock lock(mutex_);
  if (network_ && reading.read_at <= network_->last) return;
  const auto said = reading.said.time_since_epoch() + kHalfSecond - since_epoch(reading.read_at);
  const bool ticks = network_ && std::chrono::abs(said - network_->offset) <= kTickTolerance;
  if (!ticks) {
    const auto first = network_ ? network_->first : reading.read_at;
    network_ = Network{.offset = said, .since = reading.read_at, .first = first, .last = {}};
  }
  network_->last = reading.read_at;
  settle(reading.read_at);
  const bool agrees = is_close(said, milliseconds{offset_ms_.load()});
  if (!agrees) {
    agreed_since_.reset();
  } else if (!agreed_since_) {
    agreed_since_ = reading.read_at;
  }
  if (!step_ && is_ticking() && !contradicts_start(reading.read_at)) {
    skew_ = network_->offset - milliseconds{offset_ms_.load()};
  }
}

bool TrustedClock::is_ticking() const {
  return network_ && network_->last - network_->since >= kTicksFor;
}

bool TrustedClock::contradicts_start(MonoTime now) const {
  if (skew_ || !network_ || now - started_at_ >= kSettledAfter) return false;
  const auto apart = std::chrono::abs(network_->offset - milliseconds{offset_ms_.load()});
  if (apart < kStartTolerance) return false;
  const bool is_no_clock = now - network_->first >= kWitnessPatience && !is_ticking();
  return !is_no_clock;
}

bool TrustedClock::is_confirmed(MonoTime now) const {
  return agreed_since_ && now - network_->last <= kHeardLately &&
         now - *agreed_since_ >= kConfirmedAfter;
}

bool TrustedClock::is_doubtful(MonoTime now) const {
  return (step_ && step_->finding == Finding::kOpen) || (!step_ && contradicts_start(now));
}

ClockTrust TrustedClock::trust() const {
  (void)wall();
  const auto now = machine_.mono();
  const std::scoped_lock lock(mutex_);
  const bool doubtful = is_doubtful(now);
  doubtful_gauge_.set(doubtful ? 1 : 0);
  if (doubtful) return ClockTrust::kDoubtful;
  return is_confirmed(now) ? ClockTrust::kConfirmed : ClockTrust::kPlausible;
}

bool TrustedClock::knows_minute() const {
  const auto now = machine_.mono();
  const std::scoped_lock lock(mutex_);
  return step_ || !contradicts_start(now);
}

std::optional<std::string> TrustedClock::doubt() const {
  if (trust() != ClockTrust::kDoubtful) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto by = step_ ? step_->offset - milliseconds{offset_ms_.load()}
                        : milliseconds{offset_ms_.load()} - network_->offset;
  const auto text = std::to_string(std::chrono::duration_cast<seconds>(by).count()) + " s";
  return step_ ? "the wall clock stepped by " + text +
                     ": nothing is stored until the network's clock or ten minutes confirm it"
               : "the wall clock differs from the network's by " + text +
                     ": nothing is stored until they agree, or for ten minutes after the start";
}

}  // namespace ia
