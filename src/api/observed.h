#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "api/api.h"
#include "core/schedule.h"
#include "http/aside.h"

namespace ia {

// A value that is read at most once a second, and so seldom that reading it takes at most a
// twentieth of the time. After an Error the old value stays. A value that takes longer than a
// server thread may be held is read by another thread, while everyone gets the old one; any other
// by the caller who finds it old. Safe from any thread.
template <class T>
class Refreshed {
 public:
  using Read = std::function<Result<T>()>;
  // Lets another thread call; false when it cannot now.
  using Aside = std::function<bool(std::function<void()> read)>;
  static constexpr std::chrono::milliseconds kLong{2};
  static constexpr int kRests = 20;  // times as long as the reading took

  Refreshed(const Clock& clock, Read read, Aside aside = {})
      : clock_(clock), read_(std::move(read)), aside_(std::move(aside)) {}

  Result<std::shared_ptr<const T>> get() {
    const auto now = clock_.mono();
    {
      const std::scoped_lock lock(mutex_);
      if (value_ && now - read_at_ < good_for_) return value_;
      read_at_ = now;
      if (value_ && is_long_ && aside_) {
        if (!is_being_read_) is_being_read_ = aside_([this] { (void)read_now(); });
        return value_;
      }
    }
    return read_now();
  }

  // Finds out whether reading takes long, and keeps what it read only then: true.
  bool try_out() {
    (void)read_now();
    const std::scoped_lock lock(mutex_);
    if (is_long_) read_at_ = clock_.mono();
    if (!is_long_) value_.reset();
    return is_long_;
  }

 private:
  Result<std::shared_ptr<const T>> read_now() {
    const auto began = clock_.mono();
    auto fresh = read_();
    const auto took = clock_.mono() - began;
    const std::scoped_lock lock(mutex_);
    is_being_read_ = false;
    is_long_ = took >= kLong;
    good_for_ = std::max<std::chrono::nanoseconds>(std::chrono::seconds{1}, kRests * took);
    if (fresh) value_ = std::make_shared<const T>(std::move(*fresh));
    if (!value_) return std::unexpected(fresh.error());
    return value_;
  }

  const Clock& clock_;
  const Read read_;
  const Aside aside_;
  std::mutex mutex_;
  std::shared_ptr<const T> value_;
  MonoTime read_at_{};
  std::chrono::nanoseconds good_for_{std::chrono::seconds{1}};
  bool is_long_ = false;
  bool is_being_read_ = false;
};

// What the routes know beside the leaderboard: a second old, or some seconds where reading it takes
// long. Safe from any thread.
class Observed {
 public:
  // `aside` reads what takes long; it must have stopped before this is destroyed.
  Observed(const ApiContext& context, AsideThreads& aside);

  Result<std::shared_ptr<const Registry>> registry() { return registry_.get(); }
  // The last closed minute: what it says may still change when late values come. Nothing while
  // there is none in the last week.
  Result<std::shared_ptr<const std::optional<MinuteStats>>> newest_complete_minute() {
    return minute_.get();
  }
  PipelineSummary pipeline();
  // Nothing where there are no verdicts.
  std::optional<VerdictCounts> verdict_counts();

  // Whether somebody watches the influencer, or ever stored a value of it.
  Result<bool> is_known(InfluencerId id);
  // No point of a minute before this comes any more, or only after an outage of an hour.
  Minute final_before();
  // False while values of the minute may still come in the usual way.
  bool is_closed(Minute minute);

 private:
  Result<std::optional<MinuteStats>> read_minute();

  const ApiContext& context_;
  Refreshed<Registry> registry_;
  Refreshed<std::optional<MinuteStats>> minute_;
  Refreshed<PipelineSummary> pipeline_;
  Refreshed<VerdictCounts> verdict_counts_;
  std::mutex mutex_;
  std::optional<Minute> newest_known_;  // where to look from
};

}  // namespace ia
