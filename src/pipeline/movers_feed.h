#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/movers.h"
#include "ports/store.h"

namespace ia {

// Which minute a window that begins at `wanted` is to be measured from, out of minutes that are
// given oldest first: of those with values up to `wanted` and at most kBaseSlack older the one with
// most of them, else of the oldest ones behind it. Nothing when none has a value.
inline constexpr std::chrono::minutes kBaseSlack{10};
std::optional<Minute> choose_base(std::span<const MinuteStats> rows, Minute wanted);

// Keeps the lists of movers: one base a window, read from the store now and then, and lists made
// anew once a minute. Where the history is shorter than a window, its base is the oldest minute.
//
// A base of settled minutes is a walk over everyone's hour or day (Store::read_minute): seconds of
// CPU for a million. So it is done rarely and paced: the thread works at most a twentieth of the
// time. Memory: 8 bytes an influencer and window, and 24 an influencer while one is read.
class MoversFeed {
 public:
  using Board = std::function<std::shared_ptr<const LeaderboardSnapshot>()>;
  MoversFeed(MoversOptions options, const Store& store, Board board, const Clock& clock,
             Metrics& metrics, Log& log);

  // Renews what is due: lists in each minute, or when a base is new; the base of an hour after 5
  // minutes, the others' after an hour. Returns how long to rest before the next call. On an Error
  // the old ones stay.
  std::chrono::milliseconds step();
  // Makes a step that is running end soon, and all later ones do nothing. Any thread.
  void abandon();

  // Any thread.
  MoversSnapshot snapshot() const;

 private:
  struct Window {
    std::optional<MoversBase> base;
    Minute looked_at{};  // when there was last a look for a better one
    std::shared_ptr<const Movers> movers;
  };
  Status renew(std::size_t index);
  Result<std::optional<Minute>> choose(std::chrono::minutes length);
  Status read_base(Window& window, Minute minute, Minute wanted);
  bool go_on();
  void publish_if_due();

  const MoversOptions options_;
  const Store& store_;
  const Board board_;
  const Clock& clock_;
  StateLog state_;
  Backoff backoff_;
  HistogramMetric read_seconds_;
  HistogramMetric publish_seconds_;
  std::array<Window, kMoverWindows.size()> windows_;
  std::optional<Minute> published_in_;
  std::uint64_t published_version_ = 0;
  bool base_changed_ = false;
  MonoTime resumed_at_{};

  mutable std::mutex mutex_;
  std::condition_variable abandoned_changed_;
  bool abandoned_ = false;
  MoversSnapshot snapshot_;
};

}  // namespace ia
