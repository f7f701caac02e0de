#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "api/api.h"
#include "core/schedule.h"

namespace ia {

// A value that is read at most once a second. The reading is done by the caller who finds it old,
// without the lock: others meanwhile get the old one. After an Error the old value stays.
template <class T>
class Refreshed {
 public:
  using Read = std::function<Result<T>()>;
  Refreshed(const Clock& clock, Read read) : clock_(clock), read_(std::move(read)) {}

  Result<std::shared_ptr<const T>> get() {
    const auto now = clock_.mono();
    {
      const std::scoped_lock lock(mutex_);
      if (value_ && now - read_at_ < std::chrono::seconds{1}) return value_;
      read_at_ = now;
    }
    auto fresh = read_();
    const std::scoped_lock lock(mutex_);
    if (fresh) value_ = std::make_shared<const T>(std::move(*fresh));
    if (!value_) return std::unexpected(fresh.error());
    return value_;
  }

 private:
  const Clock& clock_;
  const Read read_;
  std::mutex mutex_;
  std::shared_ptr<const T> value_;
  MonoTime read_at_{};
};

// What the routes know beside the leaderboard, at most a second old. Safe from any thread.
class Observed {
 public:
  explicit Observed(const ApiContext& context);

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
