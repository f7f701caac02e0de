#include "pipeline/leaderboard_feed.h"

namespace ia {
namespace {

constexpr std::chrono::minutes kForgetEvery{1};
constexpr std::chrono::hours kUnwatchedFor{1};
constexpr BackoffOptions kFeedBackoff{.min = std::chrono::seconds{1}};
// Clocks of the machines that fetch may be ahead of this one by so much.
constexpr std::chrono::minutes kAheadMax{1};

}  // namespace

LeaderboardFeed::LeaderboardFeed(const Store& store, const Clock& clock, Metrics& metrics, Log& log,
                                 const SignalThresholds& thresholds)
    : store_(store),
      clock_(clock),
      state_(log, "leaderboard", clock),
      backoff_(clock, kFeedBackoff),
      jump_watch_(thresholds),
      snapshot_(leaderboard_.publish(clock.wall())),
      jumps_(jump_watch_.publish()),
      influencers_(metrics.gauge("ia_leaderboard_influencers", "Influencers with a value.")),
      publish_seconds_(metrics.histogram("ia_leaderboard_publish_seconds",
                                         "Duration of making one snapshot.", {},
                                         {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1})) {}

Status LeaderboardFeed::load() {
  auto latest = store_.read_latest();
  if (!latest) return fail("leaderboard", latest.error());
  const auto& values = latest->values;
  leaderboard_.set_now(now());
  for (std::size_t i = 0; i < values.influencers.size(); ++i) {
    leaderboard_.apply(values.influencers[i], {values.followers[i], values.following[i]},
                       values.retrieved_at[i]);
    if (values.retrieved_at[i] > now()) continue;
    jump_watch_.start_from(*leaderboard_.roster().find(values.influencers[i]), values.followers[i],
                           minute_of(values.retrieved_at[i]));
  }
  for (const auto& username : latest->usernames) {
    leaderboard_.set_username(username.influencer, username.name);
  }
  cursor_ = latest->cursor;
  if (auto forgot = forget_unwatched(); !forgot) return forgot;
  publish();
  return {};
}

WallTime LeaderboardFeed::now() const { return clock_.wall() + kAheadMax; }

Status LeaderboardFeed::forget_unwatched() {
  forgot_at_ = clock_.mono();
  const auto registry = store_.registry();
  if (!registry) return fail("leaderboard", registry.error());
  if (registry->epoch == 0) return {};
  leaderboard_.forget_unwatched(registry->influencers, clock_.wall() - kUnwatchedFor);
  return {};
}

Status LeaderboardFeed::step() {
  bool changed = false;
  leaderboard_.set_now(now());
  while (true) {
    const auto tail = store_.read_tail(cursor_);
    backoff_.note(tail.has_value());
    if (!tail) {
      state_.failing("cannot follow the store", tail.error().message);
      return fail("leaderboard", tail.error());
    }
    state_.recovered("following the store again");
    cursor_ = tail->cursor;
    if (tail->batches.empty()) break;
    for (const auto& batch : tail->batches) {
      leaderboard_.apply(batch);
      if (batch.retrieved_at <= now()) jump_watch_.apply(batch, leaderboard_.roster());
    }
    changed = true;
  }
  if (clock_.mono() - forgot_at_ >= kForgetEvery) (void)forget_unwatched();  // another time
  if (changed) publish();
  ++looks_;
  return {};
}

void LeaderboardFeed::publish() {
  const auto began = clock_.mono();
  auto snapshot = leaderboard_.publish(clock_.wall());
  publish_seconds_.observe(std::chrono::duration<double>(clock_.mono() - began).count());
  influencers_.set(static_cast<double>(snapshot->size()));
  auto jumps = jump_watch_.publish();
  const std::scoped_lock lock(mutex_);
  snapshot_.swap(snapshot);
  jumps_.swap(jumps);
}

std::shared_ptr<const LeaderboardSnapshot> LeaderboardFeed::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

std::shared_ptr<const JumpCandidates> LeaderboardFeed::jumps() const {
  const std::scoped_lock lock(mutex_);
  return jumps_;
}

}  // namespace ia
