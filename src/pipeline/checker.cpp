#include "pipeline/checker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kReadAtOnce = 10'000;
constexpr seconds kTurnEvery{1};
constexpr seconds kLookEvery{60};
constexpr milliseconds kBurst{200};
constexpr seconds kStoreEvery{1};
constexpr BackoffOptions kStoreBackoff{.min = seconds{1}};
constexpr std::size_t kPendingMax = 1'024;
constexpr std::chrono::minutes kRetryAfter{10};
constexpr int kDoublingsMax = 10;
constexpr std::uint64_t kShare = 8;         // one of so many calls is for jumpers, one for retries
constexpr std::uint64_t kShareBehind = 32;  // the same while somebody waits too long
constexpr std::uint32_t kJumperRestSeconds = 3'600;
constexpr double kRateShare = 1.5;
constexpr double kRateMin = 1;
constexpr double kPaceShare = 1.03;  // a little faster than needed, so that nobody is overdue
constexpr milliseconds kPauseMin{1'000};
constexpr milliseconds kPauseMax{60'000};
constexpr std::chrono::minutes kPauseAskedMax{10};
constexpr int kFailuresBeforeAPause = 8;

}  // namespace

Checker::Checker(CheckerOptions options, Board board, Jumps jumps, VerdictStore& store,
                 Judge& judge, const Clock& clock, Metrics& metrics, Log& log)
    : options_(options),
      board_(std::move(board)),
      jumps_(std::move(jumps)),
      store_(store),
      judge_(judge),
      clock_(clock),
      log_(log),
      network_state_(log, "checker", clock),
      store_state_(log, "checker", clock),
      turn_backoff_(clock, kStoreBackoff),
      store_backoff_(clock, kStoreBackoff),
      suspicious_total_(
          metrics.counter("ia_checks_total", "Checks by result.", {{"result", "suspicious"}})),
      clear_total_(metrics.counter("ia_checks_total", "Checks by result.", {{"result", "clear"}})),
      failed_total_(
          metrics.counter("ia_checks_total", "Checks by result.", {{"result", "failed"}})),
      seconds_(metrics.histogram("ia_check_seconds", "Duration of one check.", {},
                                 {0.1, 0.3, 1, 2, 3, 5, 10})),
      in_flight_gauge_(metrics.gauge("ia_checks_in_flight", "Checks under way.")),
      never_checked_gauge_(metrics.gauge("ia_check_never_checked_influencers",
                                         "Influencers that have no verdict yet.")),
      overdue_gauge_(metrics.gauge("ia_check_overdue_influencers",
                                   "Influencers whose verdict is older than the interval.")),
      oldest_gauge_(metrics.gauge("ia_check_oldest_verdict_seconds",
                                  "Age of the oldest verdict on an influencer.")) {}

Checker::Seconds Checker::now_seconds() const {
  return static_cast<Seconds>(
      std::chrono::floor<seconds>(clock_.wall()).time_since_epoch().count());
}

Checker::Seconds Checker::interval_seconds() const {
  return static_cast<Seconds>(std::chrono::floor<seconds>(options_.interval).count());
}

Checker::Index Checker::known(InfluencerId influencer) {
  if (const auto index = roster_.find(influencer)) return *index;
  checked_at_.push_back(0);
  failures_.push_back(0);
  in_flight_.push_back(false);
  is_queued_.push_back(false);
  return roster_.add(influencer);
}

// Asked for once a second. Another process may have checked meanwhile: a turn begins with what is
// stored.
bool Checker::has_turn() {
  if (turn_asked_at_ && clock_.mono() - *turn_asked_at_ < kTurnEvery) return turn_ != 0;
  if (!turn_backoff_.may_call()) return turn_ != 0;
  turn_asked_at_ = clock_.mono();
  const auto taken = store_.take_turn();
  const auto number = taken && *taken ? **taken : 0;
  auto done = taken ? Status{} : std::unexpected(taken.error());
  if (number != 0 && number != turn_) done = load();
  turn_ = done ? number : 0;
  turn_backoff_.note(done.has_value());
  if (!done) {
    store_state_.failing("checks wait", done.error().message);
  } else if (pending_.empty()) {
    store_state_.recovered("checks go on");
  }
  const bool stands_by = done && number == 0;
  if (stands_by && !stands_by_) log_.info("checker", "another process checks");
  if (turn_ != 0 && stands_by_) log_.info("checker", "this process checks now");
  if (done) stands_by_ = stands_by;
  return turn_ != 0;
}

// Forgets the order there was, and learns who was checked when.
Status Checker::load() {
  std::vector<std::pair<InfluencerId, Seconds>> checked;
  VerdictCursor cursor;
  while (true) {
    const auto page = store_.read(cursor, kReadAtOnce);
    if (!page) return fail("checker", page.error());
    if (page->verdicts.empty()) break;
    cursor = page->cursor;
    for (const auto& verdict : page->verdicts) {
      const auto at = std::chrono::floor<seconds>(verdict.checked_at).time_since_epoch().count();
      // One of a clock that was ahead would never be old.
      checked.emplace_back(verdict.influencer, std::min(static_cast<Seconds>(at), now_seconds()));
    }
  }
  std::ranges::sort(checked);  // as a roster likes it
  for (const auto& [influencer, at] : checked) checked_at_[known(influencer)] = at;
  never_checked_.clear();
  turns_.clear();
  retries_.clear();
  jumpers_.clear();
  is_queued_ = in_flight_;
  looked_at_.reset();
  return {};
}

void Checker::step(milliseconds wait) {
  const auto board = board_();
  if (has_turn()) {
    look(*board);
    ask(*board);
  }
  take(wait);
  store();
  in_flight_gauge_.set(static_cast<double>(judge_.in_flight()));
}

void Checker::look(const LeaderboardSnapshot& board) {
  if (looked_at_ && clock_.mono() - *looked_at_ < kLookEvery) return;
  looked_at_ = clock_.mono();
  queue_everybody(board);
  queue_jumpers();
  count(board);
}

// Those without a verdict by id, not by followers: the first ones are to be of all kinds.
void Checker::queue_everybody(const LeaderboardSnapshot& board) {
  members_ = board.size();
  std::vector<InfluencerId> fresh;
  bool in_order = true;
  for (std::size_t position = 0; position < board.size(); ++position) {
    const auto influencer = board.at_position(position).influencer;
    const auto index = roster_.find(influencer);
    if (index && is_queued_[*index]) continue;
    if (!index || checked_at_[*index] == 0) {
      fresh.push_back(influencer);
      continue;
    }
    is_queued_[*index] = true;
    turns_.push_back({*index, checked_at_[*index]});
    in_order = false;
  }
  if (!in_order) std::ranges::sort(turns_, {}, &Turn::checked_at);
  std::ranges::sort(fresh);
  for (const auto influencer : fresh) {
    const auto index = known(influencer);
    is_queued_[index] = true;
    never_checked_.push_back(index);
  }
}

// Who jumped after its verdict, or has none.
void Checker::queue_jumpers() {
  struct Jump {
    double score;
    Index index;
  };
  std::vector<Jump> jumps;
  const auto now = now_seconds();
  const auto candidates = jumps_();
  for (const auto& jump : *candidates) {
    const auto index = roster_.find(jump.influencer);
    if (!index || in_flight_[*index] || failures_[*index] > 0) continue;
    const auto checked = checked_at_[*index];
    const auto ended = static_cast<Seconds>(
        std::chrono::floor<seconds>(WallTime{jump.end}).time_since_epoch().count());
    if (checked != 0 && (checked > ended || now - checked < kJumperRestSeconds)) continue;
    jumps.push_back({jump.score, *index});
  }
  std::ranges::sort(jumps, {}, &Jump::score);
  jumpers_.clear();
  for (const auto& jump : jumps) jumpers_.push_back(jump.index);
}

void Checker::count(const LeaderboardSnapshot& board) {
  const auto now = now_seconds();
  auto oldest = now;
  std::uint64_t never = 0, overdue = 0;
  for (std::size_t position = 0; position < board.size(); ++position) {
    const auto checked = checked_at_[*roster_.find(board.at_position(position).influencer)];
    if (checked == 0) {
      ++never;
      continue;
    }
    oldest = std::min(oldest, checked);
    if (now - checked > interval_seconds()) ++overdue;
  }
  never_checked_gauge_.set(static_cast<double>(never));
  overdue_gauge_.set(static_cast<double>(overdue));
  oldest_gauge_.set(now - oldest);
}

double Checker::rate() const {
  if (options_.rate) return *options_.rate;
  const auto interval = std::chrono::duration<double>(options_.interval).count();
  return std::max(kRateMin, kRateShare * static_cast<double>(members_) / interval);
}

MonoTime::duration Checker::apart(double a_second) const {
  return std::chrono::duration_cast<MonoTime::duration>(
      std::chrono::duration<double>(1 / a_second));
}

void Checker::ask(const LeaderboardSnapshot& board) {
  const auto now = clock_.mono();
  if (now < pause_until_ || pending_.size() >= kPendingMax) return;
  ask_at_ = std::max(ask_at_, now - kBurst);  // time that went by unused is gone
  while (ask_at_ <= now && judge_.in_flight() < options_.in_flight_max) {
    const auto index = next();
    if (!index) return;
    if (begin(*index, board)) ask_at_ += apart(rate());
  }
}

std::optional<Checker::Index> Checker::next() {
  const auto share = is_behind() ? kShareBehind : kShare;
  const auto place = asked_ % share;
  std::optional<Index> index;
  if (place == 0) index = next_jumper();
  if (place == share / 2) index = next_retry();
  if (!index) index = next_in_turn();
  if (!index) index = next_jumper();
  return index ? index : next_retry();
}

std::optional<Checker::Index> Checker::next_retry() {
  while (!retries_.empty() && retries_.begin()->first <= clock_.mono()) {
    const auto [index, checked_at, failures] = retries_.begin()->second;
    retries_.erase(retries_.begin());
    const bool is_void = checked_at != checked_at_[index] || failures != failures_[index];
    if (!is_void && !in_flight_[index]) return index;
  }
  return std::nullopt;
}

std::optional<Checker::Index> Checker::next_jumper() {
  while (!jumpers_.empty()) {
    const auto index = jumpers_.back();
    jumpers_.pop_back();
    if (!in_flight_[index]) return index;
  }
  return std::nullopt;
}

// The front, once nothing void is before it.
const Checker::Turn* Checker::oldest() {
  while (!turns_.empty()) {
    const auto& turn = turns_.front();
    if (turn.checked_at == checked_at_[turn.index] && !in_flight_[turn.index]) return &turn;
    turns_.pop_front();
  }
  return nullptr;
}

// Somebody waits for a first verdict, or longer than the interval for another.
bool Checker::is_behind() {
  if (!never_checked_.empty()) return true;
  const auto* turn = oldest();
  return turn != nullptr && now_seconds() >= turn->checked_at + interval_seconds();
}

std::optional<Checker::Index> Checker::next_in_turn() {
  const auto interval = std::chrono::duration<double>(options_.interval).count();
  const auto everybody = static_cast<double>(std::max<std::size_t>(members_, 1));
  const auto pace = apart(kPaceShare * everybody / interval);
  while (!never_checked_.empty()) {
    const auto index = never_checked_.front();
    never_checked_.pop_front();
    if (checked_at_[index] != 0 || in_flight_[index]) continue;
    turn_at_ = clock_.mono() + pace;
    return index;
  }
  const auto* turn = oldest();
  if (turn == nullptr || (!is_behind() && clock_.mono() < turn_at_)) return std::nullopt;
  turn_at_ = std::max(turn_at_, clock_.mono() - kBurst) + pace;
  const auto index = turn->index;
  turns_.pop_front();
  return index;
}

// False when it has no value any more: it is queued again when it has.
bool Checker::begin(Index index, const LeaderboardSnapshot& board) {
  const auto standing = board.find(roster_.at(index));
  if (!standing) {
    is_queued_[index] = false;
    return false;
  }
  ++asked_;
  in_flight_[index] = true;
  judge_.ask({standing->influencer, std::string(standing->username), standing->counts});
  return true;
}

void Checker::take(milliseconds wait) {
  for (auto& ruling : judge_.take(wait)) note(std::move(ruling));
}

void Checker::note(Ruling ruling) {
  const auto index = known(ruling.suspect.influencer);
  in_flight_[index] = false;
  if (!ruling.suspicious) return note_failure(index, ruling);
  network_state_.recovered("the network judges again");
  pause_ = milliseconds{0};
  failures_in_a_row_ = 0;
  failures_[index] = 0;
  (*ruling.suspicious ? suspicious_total_ : clear_total_).add();
  seconds_.observe(std::chrono::duration<double>(ruling.took).count());
  checked_at_[index] =
      static_cast<Seconds>(std::chrono::floor<seconds>(ruling.at).time_since_epoch().count());
  turns_.push_back({index, checked_at_[index]});
  if (pending_.empty()) pending_since_ = clock_.mono();
  pending_.push_back({.influencer = ruling.suspect.influencer,
                      .suspicious = *ruling.suspicious,
                      .judged = ruling.suspect.counts,
                      .checked_at = ruling.at,
                      .changed_at = ruling.at});
}

void Checker::note_failure(Index index, const Ruling& ruling) {
  const auto& why = ruling.suspicious.error();
  failed_total_.add();
  const bool is_its_own = why.code != Errc::kOverloaded;
  if (is_its_own && failures_[index] < kDoublingsMax) ++failures_[index];
  const auto rest =
      why.code == Errc::kNotFound
          ? options_.interval
          : std::min<milliseconds>(options_.interval, kRetryAfter * (1 << failures_[index]) / 2);
  retries_.emplace(clock_.mono() + std::max<milliseconds>(rest, kRetryAfter),
                   Retry{index, checked_at_[index], failures_[index]});
  // Also denials: one in a row after the other is a gateway's word, not the accounts'.
  const bool is_trouble = ++failures_in_a_row_ >= kFailuresBeforeAPause || !is_its_own;
  if (!is_trouble || clock_.mono() < pause_until_) return;
  network_state_.failing("the network does not judge", why.message);
  pause_ = std::clamp(2 * pause_, kPauseMin, kPauseMax);
  const auto asked = std::min<milliseconds>(ruling.retry_after, kPauseAskedMax);
  pause_until_ = ask_at_ = clock_.mono() + std::max(pause_, asked);
}

void Checker::store() {
  if (pending_.empty() || clock_.mono() - pending_since_ < kStoreEvery) return;
  if (!store_backoff_.may_call()) return;
  const auto stored = store_.put(pending_);
  store_backoff_.note(stored.has_value());
  pending_since_ = clock_.mono();
  if (!stored) {
    store_state_.failing("verdicts wait", stored.error().message);
    return;
  }
  store_state_.recovered("verdicts are stored again");
  pending_.clear();
}

void Checker::drain() {
  take(milliseconds{0});
  judge_.cancel();
  if (!pending_.empty()) (void)store_.put(pending_);  // what is lost is asked again
}

}  // namespace ia
