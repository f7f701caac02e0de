#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/miss.h"
#include "core/point_batch.h"
#include "core/schedule.h"

namespace ia {

// One influencer's points in time order, in columns of equal length. Minutes without a value are
// not there.
struct Series {
  std::vector<Minute> minutes;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
  // Minutes of which stored bytes are damaged: values may be missing there, and are never wrong.
  // Disjoint, oldest first.
  std::vector<MinuteRange> damaged;
  std::size_t size() const { return minutes.size(); }
  friend bool operator==(const Series&, const Series&) = default;
};

// Everyone who has a value in one minute, in columns of equal length.
struct MinuteColumns {
  std::vector<InfluencerId> influencers;  // strictly ascending
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
  bool damaged = false;  // stored bytes are: some influencers' values may be missing
  std::size_t size() const { return influencers.size(); }
  friend bool operator==(const MinuteColumns&, const MinuteColumns&) = default;
};

// An influencer's place in one minute.
struct RankAt {
  Minute minute;
  std::int64_t followers = 0;
  std::uint64_t rank = 1;  // 1 + how many had more followers
  std::uint64_t of = 0;    // how many had a value
  bool damaged = false;    // some may not have been counted: their stored values are damaged
  friend bool operator==(const RankAt&, const RankAt&) = default;
};

// Why an influencer has no value in a minute.
struct MissAt {
  Minute minute;
  MissReason reason;
  friend bool operator==(const MissAt&, const MissAt&) = default;
};

// Those of the minutes, which ascend, in which the series has a value; nobody is counted yet.
std::vector<RankAt> ranks_to_count(const Series& series, std::span<const Minute> minutes);

// Puts columns of distinct influencers into order. O(n) when they are.
void sort_by_influencer(MinuteColumns& columns);

// Asked every few milliseconds of a long read: false abandons it with kCancelled. It may rest, so
// that the read takes but a part of a core: nobody is kept waiting. Without a question: always
// true.
class GoOn {
 public:
  GoOn() = default;
  // In a hurry the read may take a second core: a thread more, of the caller's priority, while it
  // lasts. The question is asked by the caller's thread only.
  template <std::invocable Ask>
  requires(!std::same_as<std::remove_cvref_t<Ask>, GoOn>) GoOn(Ask ask, bool in_hurry = false)
      : ask_(std::move(ask)), in_hurry_(in_hurry) {}

  bool operator()() const { return !ask_ || ask_(); }
  bool in_hurry() const { return in_hurry_; }

 private:
  std::function<bool()> ask_;
  bool in_hurry_ = false;
};
Status check_go_on(const GoOn& go_on);

// What append did with the points and misses that it was given.
struct AppendResult {
  std::uint64_t stored = 0;   // points that were new
  std::uint64_t repeats = 0;  // points whose (influencer, minute) had a value: dropped
  std::uint64_t expired = 0;  // points of minutes that retention has removed: dropped
};

// due = stored + missed + open, at any time. Sums are over the stored values, so the average of
// a minute is followers_sum / stored.
struct MinuteStats {
  Minute minute;
  std::uint64_t due = 0;
  std::uint64_t stored = 0;
  std::uint64_t repeats = 0;
  MissCounts missed{};
  bool closed = false;  // no open ones are left: the rest was counted as missed
  // Of those missed: of how many nothing was heard, and what close_minutes said. They have no
  // names.
  std::uint64_t rest = 0;
  MissReason rest_reason{};
  std::int64_t followers_sum = 0;
  std::int64_t following_sum = 0;
  WallTime first_retrieved_at;  // meaningful when stored > 0
  WallTime last_retrieved_at;
  // Stored bytes of the minute were met that are damaged: what `stored` counts is not all there. A
  // minute whose row is damaged has no other member but this and `minute`.
  bool damaged = false;

  std::uint64_t missed_total() const;
  std::uint64_t open() const;
  double coverage() const;  // stored / due; 1 when nothing was due
  friend bool operator==(const MinuteStats&, const MinuteStats&) = default;
};

// A place in the order in which batches were stored. Opaque; 0 is the beginning.
struct TailCursor {
  std::uint64_t position = 0;
};

// The newest value of influencers, in columns.
struct LatestColumns {
  std::vector<InfluencerId> influencers;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
  std::vector<WallTime> retrieved_at;
};

struct Latest {
  LatestColumns values;  // one each of every influencer that ever had a value, any order
  std::vector<Username> usernames;
  TailCursor cursor;  // everything stored before it is contained
};

struct Tail {
  std::vector<PointBatch> batches;  // in the order stored; redelivered points may be in them
  TailCursor cursor;                // where to go on
};

struct StoreSize {
  std::uint64_t bytes = 0;       // on disk, all told
  std::uint64_t points = 0;      // held, about
  std::uint64_t free_bytes = 0;  // left on its disk; the largest number when not known
  Minute oldest_minute;          // meaningful when points > 0
  std::uint64_t damaged = 0;     // places with damaged bytes that were met since the start
};

// The time that housekeeping goes by. To delete needs more than that: core/retention_clock.h.
struct UpkeepTime {
  // A time that the caller vouches for.
  template <std::convertible_to<WallTime> Time>
  UpkeepTime(Time at) : now(at) {}
  explicit UpkeepTime(const Clock& clock)
      : now(clock.wall()),
        mono(clock.mono()),
        is_confirmed(clock.trust() == ClockTrust::kConfirmed) {}

  WallTime now;
  MonoTime mono{};
  bool is_confirmed = true;
};

// The history of every influencer: the first value of each (influencer, minute).
// Threads: append, close_minutes and put_registry from one thread at a time each; maintain from
// its own; the reads from any, and they never wait for writers.
class Store {
 public:
  virtual ~Store() = default;

  // The newest registry; epoch 0 when never seeded.
  [[nodiscard]] virtual Result<Registry> registry() const = 0;
  // kInvalid unless registry.epoch is larger than the stored one.
  [[nodiscard]] virtual Status put_registry(const Registry& registry) = 0;

  // Makes the batches durable in one transaction: all or, on an Error, perhaps all and perhaps
  // none: append them again, repeats are harmless. A miss counts only while its influencer has
  // no value in that minute; a value that comes later takes the miss back.
  [[nodiscard]] virtual Result<AppendResult> append(std::span<const PointBatch> batches) = 0;

  // Counts the open ones of every minute of the range as missed for `reason`, in one transaction
  // however long the range is. A range in which nothing was stored gets its rows by this. Values
  // that come later still take misses back.
  [[nodiscard]] virtual Status close_minutes(MinuteRange range, MissReason reason) = 0;

  // One small slice of housekeeping (settle hours, merge days, drop what is older than the
  // retention); true while there is more to do at once. Never delays an append for long. The
  // horizon moves no faster than `mono` since what the store holds, until the time is confirmed: a
  // wall clock that jumps ahead deletes nothing, neither while it runs nor after a restart.
  [[nodiscard]] virtual Result<bool> maintain(const UpkeepTime& time) = 0;

  // An unknown influencer, or a range without points, gives an empty series.
  [[nodiscard]] virtual Result<Series> read_series(InfluencerId influencer,
                                                   MinuteRange range) const = 0;
  // In which of the minutes, which must ascend, the influencer was missed by name, and why.
  [[nodiscard]] virtual Result<std::vector<MissAt>> read_misses(
      InfluencerId influencer, std::span<const Minute> minutes) const = 0;
  // Everyone's value in that very minute; a minute without values gives empty columns. Costs a look
  // at everyone: docs/history.md.
  [[nodiscard]] virtual Result<MinuteColumns> read_minute(Minute minute,
                                                          const GoOn& go_on) const = 0;
  // The influencer's place in each of the minutes, which must ascend; those in which it has no
  // value are left out. All minutes of an hour cost one look at everyone.
  [[nodiscard]] virtual Result<std::vector<RankAt>> read_ranks(InfluencerId influencer,
                                                               std::span<const Minute> minutes,
                                                               const GoOn& go_on) const = 0;
  // The rows of a range, oldest first; minutes that were never touched are not there.
  [[nodiscard]] virtual Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const = 0;

  // To build the leaderboard at start, and to follow from there. A tail gives at most some
  // hundred batches a call; an empty one means that there is nothing new.
  [[nodiscard]] virtual Result<Latest> read_latest() const = 0;
  [[nodiscard]] virtual Result<Tail> read_tail(TailCursor from) const = 0;

  // Influencers whose username begins with `prefix`, ASCII case ignored, ascending by name.
  [[nodiscard]] virtual Result<std::vector<Username>> find_usernames(
      std::string_view prefix, std::size_t count_max) const = 0;

  // The points and misses of minutes before it are gone, as older than the retention; the rows of
  // read_minutes may still be there.
  [[nodiscard]] virtual Result<Minute> horizon() const = 0;
  [[nodiscard]] virtual Result<StoreSize> size() const = 0;
};

}  // namespace ia
