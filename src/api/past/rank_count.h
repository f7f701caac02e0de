#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "api/past/later.h"

namespace ia {

// Whose rank, in which minutes: the multiples of the step since 1970 that are in the range.
struct RankQuestion {
  InfluencerId influencer;
  MinuteRange range;
  std::chrono::minutes step{1};
  std::vector<Minute> minutes() const;
  friend bool operator==(const RankQuestion&, const RankQuestion&) = default;
};

// Ranks that are being counted, an hour at a time, oldest first. Those that are counted can be
// taken meanwhile. Safe from any thread.
class RankCount {
 public:
  RankCount(const RankQuestion& question, MonoTime now)
      : question_(question), minutes_(question.minutes()), asked_at_(now) {}

  const RankQuestion& question() const { return question_; }
  bool is_done() const;
  // Why it ended before all were counted.
  std::optional<Error> error() const;
  // The ranks from the n-th on that are counted so far.
  std::vector<RankAt> from(std::size_t n) const;
  // Somebody waits for it: it is not abandoned within kWantedAfter.
  void ask(MonoTime now);
  std::size_t bytes() const { return sizeof *this + minutes_.size() * sizeof(RankAt); }

 private:
  friend class RankCounts;
  bool count_an_hour(const Store& store, const GoOn& go_on, const Clock& clock);
  std::vector<Minute> next_hour() const;
  void take(Result<std::vector<RankAt>> counted, std::size_t minutes, MonoTime now);
  bool is_wanted(MonoTime now) const;
  bool is_good(MonoTime now, std::chrono::seconds good_for) const;

  const RankQuestion question_;
  const std::vector<Minute> minutes_;
  mutable std::mutex mutex_;
  std::vector<RankAt> ranks_;
  std::size_t counted_ = 0;  // of minutes_
  std::optional<MonoTime> ended_at_;
  std::optional<Error> error_;
  MonoTime asked_at_;
};

// Counts ranks on the thread, and keeps the counts that were asked for last. Safe from any thread.
class RankCounts {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{4} << 20;
  static constexpr std::chrono::seconds kFailureKeptFor{2};

  // The thread must have stopped before this is destroyed.
  RankCounts(LaterThread& thread, const Clock& clock, const Store& store)
      : thread_(thread), clock_(clock), store_(store) {}

  // A count that ended within `good_for`, or goes on; else a new one. One that is not asked for
  // again within kWantedAfter is abandoned.
  std::expected<std::shared_ptr<RankCount>, Problem> get(const RankQuestion& question,
                                                         std::uint64_t client,
                                                         std::chrono::seconds good_for);

 private:
  void drop_over(std::size_t bytes_max);

  LaterThread& thread_;
  const Clock& clock_;
  const Store& store_;
  std::mutex mutex_;
  std::list<std::shared_ptr<RankCount>> kept_;  // the one asked for last in front
};

}  // namespace ia
