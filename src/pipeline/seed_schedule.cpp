#include "pipeline/seed_schedule.h"

#include <algorithm>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kLookEvery{15'000};
// SQS tells the depth late, so one look at an empty queue is not enough, nor is one right after
// the shards were sent.
constexpr milliseconds kEmptyFor{10'000};
constexpr milliseconds kSettling{20'000};
constexpr minutes kShortFor{5};
constexpr minutes kBeginMost{2};
constexpr seconds kBlindFor{30};
constexpr BackoffOptions kLookBackoff{.min = milliseconds{1'000}, .max = milliseconds{15'000}};
constexpr BackoffOptions kSeedBackoff{.min = milliseconds{5'000}, .max = milliseconds{60'000}};

void note_since(std::optional<MonoTime>& since, bool holds, MonoTime now) {
  if (!holds) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

bool has_lasted(const std::optional<MonoTime>& since, MonoTime now, MonoTime::duration time) {
  return since && now - *since >= time;
}

}  // namespace

SeedSchedule::SeedSchedule(SeedScheduleOptions options, Store& store, Queue& ids,
                           const Clock& clock, Log& log)
    : options_(std::move(options)),
      store_(store),
      ids_(ids),
      clock_(clock),
      log_(log),
      empty_state_(log, "seeder", clock),
      look_state_(log, "seeder", clock),
      seed_state_(log, "seeder", clock),
      look_backoff_(clock, kLookBackoff),
      seed_backoff_(clock, kSeedBackoff) {}

milliseconds SeedSchedule::step() {
  const auto now = clock_.mono();
  const auto looked = look();
  look_backoff_.note(looked.has_value());
  note_since(blind_since_, !looked, now);
  if (looked) {
    look_state_.recovered("looking at the queue of ids again");
    return kLookEvery;
  }
  look_state_.failing("cannot look at the queue of ids", looked.error().message);
  if (has_lasted(blind_since_, now, kBlindFor)) {
    say("the queue of ids cannot be looked at: " + looked.error().message);
  }
  return look_backoff_.rest();
}

Status SeedSchedule::look() {
  const auto registry = store_.registry();
  if (!registry) return std::unexpected(registry.error());
  const auto depth = ids_.depth();
  if (!depth) return std::unexpected(depth.error());
  note_depth(*registry, *depth);
  if (!options_.seeds || !is_due(*registry) || !seed_backoff_.may_call()) return {};
  const auto seeded = seed(*registry);
  seed_backoff_.note(seeded.has_value());
  if (seeded) {
    seed_state_.recovered("seeding succeeds again");
  } else {
    seed_state_.failing("cannot seed the queue of ids", seeded.error().message);
  }
  return {};
}

void SeedSchedule::note_depth(const Registry& registry, const QueueDepth& depth) {
  const auto now = clock_.mono();
  if (epoch_ != registry.epoch) {
    // Nothing is known of a seeding that was there before us: it may be old.
    epoch_since_ = epoch_ ? now : now - kSettling;
    epoch_ = registry.epoch;
    empty_since_.reset();
    short_since_.reset();
  }
  const auto messages = depth.visible + depth.in_flight + depth.delayed;
  const bool is_settled = now - epoch_since_ >= kSettling;
  const bool is_seeded = registry.epoch > 0;
  note_since(empty_since_, is_settled && messages == 0, now);
  note_since(short_since_, is_settled && is_seeded && messages < registry.shard_count(), now);
  if (!has_lasted(empty_since_, now, kEmptyFor)) return say(std::nullopt);
  say(is_seeded ? "the queue of ids is empty: it is seeded again within a minute, by a fetcher"
                : "the queue of ids is empty, and nothing was ever seeded: run "
                  "influencer-analytics seed --influencers ...");
}

// It was seeded by a clock that was ahead: seeded again, what is watched begins now.
bool SeedSchedule::begins_in_future(const Registry& registry) const {
  return clock_.trust() != ClockTrust::kDoubtful &&
         registry.watched.all_since() > clock_.wall() + kBeginMost;
}

bool SeedSchedule::is_due(const Registry& registry) const {
  const auto now = clock_.mono();
  if (registry.epoch == 0 && !options_.order) return false;
  if (has_lasted(empty_since_, now, kEmptyFor)) return true;
  if (begins_in_future(registry)) return true;
  if (has_lasted(short_since_, now, kShortFor)) return true;
  return options_.every > milliseconds{0} && now - epoch_since_ >= options_.every;
}

Status SeedSchedule::seed(const Registry& registry) {
  auto order = options_.order.value_or(SeedOrder{.influencers = registry.influencers,
                                                 .schedule = registry.schedule,
                                                 .shard_size = registry.shard_size});
  order.after_epoch = registry.epoch;
  const auto report = Seeder(store_, ids_, clock_).seed(order);
  if (!report && report.error().code == Errc::kInvalid) {
    const auto newest = store_.registry();
    if (newest && newest->epoch > registry.epoch) return {};  // another process was faster
  }
  if (!report) return std::unexpected(report.error());
  log_.info(
      "seeder", "seeded",
      {{"epoch", report->epoch}, {"influencers", report->influencers}, {"shards", report->shards}});
  return {};
}

void SeedSchedule::say(std::optional<std::string> trouble) {
  if (trouble && !blind_since_) {
    empty_state_.failing("nothing can be fetched", *trouble);
  } else if (!trouble) {
    empty_state_.recovered("the queue of ids is filled again");
  }
  const std::scoped_lock lock(mutex_);
  trouble_ = std::move(trouble);
}

std::optional<std::string> SeedSchedule::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace ia
