#include "pipeline/checker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kReadAtOnce = 10'000;
constexpr seconds kLookEvery{60};
constexpr milliseconds kBurst{200};
constexpr seconds kStoreEvery{1};
constexpr std::size_t kPendingMax = 1'024;
constexpr std::chrono::minutes kRetryAfter{10};
constexpr std::uint64_t kJumperEvery = 4;
constexpr std::uint32_t kJumperRestSeconds = 3'600;
constexpr double kRateShare = 1.5;
constexpr double kRateMin = 1;
constexpr milliseconds kPauseMin{1'000};
constexpr milliseconds kPauseMax{60'000};
constexpr std::int64_t kNotSeen = -1;
constexpr int kFailuresBeforeAPause = 8;

}  // namespace

Checker::Checker(CheckerOptions options, Board board, VerdictStore& store, Judge& judge,
                 const Clock& clock, Metrics& metrics, Log& log)
    : options_(options),
      board_(std::move(board)),
      store_(store),
      judge_(judge),
      clock_(clock),
      network_state_(log, "checker"),
      store_state_(log, "checker"),
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
      oldest_gauge_(
          metrics.gauge("ia_check_oldest_verdict_seconds", "Age of the oldest verdict.")) {}

Checker::Seconds Checker::now_seconds() const {
  return static_cast<Seconds>(
      std::chrono::floor<seconds>(clock_.wall()).time_since_epoch().count());
}

Checker::Index Checker::known(InfluencerId influencer) {
  if (const auto index = roster_.find(influencer)) return *index;
  checked_at_.push_back(0);
  followers_.push_back(kNotSeen);
  in_flight_.push_back(false);
  return roster_.add(influencer);
}

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
      checked.emplace_back(verdict.influencer, static_cast<Seconds>(at));
    }
  }
  std::ranges::sort(checked);  // as a roster likes it
  for (const auto& [influencer, at] : checked) checked_at_[known(influencer)] = at;
  for (Index index = 0; index < checked_at_.size(); ++index) {
    turns_.push_back({index, checked_at_[index]});
  }
  std::ranges::sort(turns_, {}, &Turn::checked_at);
  return {};
}

void Checker::step(milliseconds wait) {
  const auto board = board_();
  if (looked_at_ == MonoTime{} || clock_.mono() - looked_at_ >= kLookEvery) {
    looked_at_ = clock_.mono();
    find_new(*board);
    find_jumpers(*board);
  }
  ask(*board);
  take(wait);
  store();
  in_flight_gauge_.set(static_cast<double>(judge_.in_flight()));
  never_checked_gauge_.set(static_cast<double>(never_checked_.size()));
  while (!turns_.empty() && turns_.front().checked_at != checked_at_[turns_.front().index]) {
    turns_.pop_front();
  }
  oldest_gauge_.set(turns_.empty() ? 0 : now_seconds() - double{1} * turns_.front().checked_at);
}

// By id, not by followers: the first verdicts are to be of all kinds of influencers.
void Checker::find_new(const LeaderboardSnapshot& board) {
  std::vector<InfluencerId> fresh;
  for (std::size_t position = 0; position < board.size(); ++position) {
    const auto influencer = board.at_position(position).influencer;
    if (!roster_.find(influencer)) fresh.push_back(influencer);
  }
  std::ranges::sort(fresh);
  for (const auto influencer : fresh) never_checked_.push_back(known(influencer));
}

// Who jumped since the last look.
void Checker::find_jumpers(const LeaderboardSnapshot& board) {
  struct Jump {
    double size;
    Index index;
  };
  std::vector<Jump> jumps;
  const auto now = now_seconds();
  for (std::size_t position = 0; position < board.size(); ++position) {
    const auto standing = board.at_position(position);
    const auto index = known(standing.influencer);
    const auto before = std::exchange(followers_[index], standing.counts.followers);
    const bool rests = checked_at_[index] == 0 || now - checked_at_[index] < kJumperRestSeconds;
    if (before <= 0 || before == standing.counts.followers || rests) continue;
    const auto change = static_cast<double>(standing.counts.followers - before);
    jumps.push_back({std::abs(change) / static_cast<double>(before), index});
  }
  const auto wanted = static_cast<std::size_t>(rate() * static_cast<double>(kLookEvery.count()) /
                                               static_cast<double>(kJumperEvery));
  const auto kept = std::min(jumps.size(), wanted);
  std::ranges::partial_sort(jumps, jumps.begin() + static_cast<std::ptrdiff_t>(kept),
                            std::ranges::greater{}, &Jump::size);
  jumps.resize(kept);
  jumpers_.clear();
  for (auto it = jumps.rbegin(); it != jumps.rend(); ++it) jumpers_.push_back(it->index);
}

double Checker::rate() const {
  if (options_.rate) return *options_.rate;
  const auto interval = std::chrono::duration<double>(options_.interval).count();
  return std::max(kRateMin, kRateShare * static_cast<double>(roster_.size()) / interval);
}

void Checker::ask(const LeaderboardSnapshot& board) {
  const auto now = clock_.mono();
  if (now < pause_until_ || pending_.size() >= kPendingMax) return;
  const auto apart =
      std::chrono::duration_cast<MonoTime::duration>(std::chrono::duration<double>(1 / rate()));
  ask_at_ = std::max(ask_at_, now - kBurst);  // time that went by unused is gone
  while (ask_at_ <= now && judge_.in_flight() < options_.in_flight_max) {
    const auto index = next();
    if (!index) return;
    begin(*index, board);
    ask_at_ += apart;
  }
}

std::optional<Checker::Index> Checker::next() {
  if (const auto index = next_retry()) return index;
  const bool is_theirs = asked_ % kJumperEvery == 0;
  if (const auto index = is_theirs ? next_jumper() : next_in_turn()) return index;
  return is_theirs ? next_in_turn() : next_jumper();
}

std::optional<Checker::Index> Checker::next_retry() {
  while (!retries_.empty() && retries_.front().due <= clock_.mono()) {
    const auto index = retries_.front().index;
    retries_.pop_front();
    if (!in_flight_[index]) return index;
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

std::optional<Checker::Index> Checker::next_in_turn() {
  if (!never_checked_.empty()) {
    const auto index = never_checked_.front();
    never_checked_.pop_front();
    return index;
  }
  const auto interval =
      static_cast<Seconds>(std::chrono::floor<seconds>(options_.interval).count());
  while (!turns_.empty()) {
    const auto turn = turns_.front();
    const bool is_void = turn.checked_at != checked_at_[turn.index] || in_flight_[turn.index];
    if (!is_void && now_seconds() < turn.checked_at + interval) return std::nullopt;
    turns_.pop_front();
    if (!is_void) return turn.index;
  }
  return std::nullopt;
}

void Checker::begin(Index index, const LeaderboardSnapshot& board) {
  const auto standing = board.find(roster_.at(index));
  if (!standing) {  // checked in an earlier life, and without a value in this one
    retries_.push_back({clock_.mono() + kRetryAfter, index});
    return;
  }
  ++asked_;
  in_flight_[index] = true;
  judge_.ask({standing->influencer, std::string(standing->username), standing->counts});
}

void Checker::take(milliseconds wait) {
  for (auto& ruling : judge_.take(wait)) note(std::move(ruling));
}

void Checker::note(Ruling ruling) {
  const auto index = known(ruling.suspect.influencer);
  in_flight_[index] = false;
  if (!ruling.suspicious) return note_failure(index, ruling.suspicious.error());
  network_state_.recovered("the network judges again");
  pause_ = milliseconds{0};
  failures_in_a_row_ = 0;
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

void Checker::note_failure(Index index, const Error& why) {
  failed_total_.add();
  retries_.push_back({clock_.mono() + kRetryAfter, index});
  if (why.code == Errc::kNotFound) return;
  const bool is_trouble =
      why.code == Errc::kOverloaded || ++failures_in_a_row_ >= kFailuresBeforeAPause;
  if (!is_trouble || clock_.mono() < pause_until_) return;
  network_state_.failing("the network does not judge", why.message);
  pause_ = std::clamp(2 * pause_, kPauseMin, kPauseMax);
  pause_until_ = ask_at_ = clock_.mono() + pause_;
}

void Checker::store() {
  if (pending_.empty() || clock_.mono() - pending_since_ < kStoreEvery) return;
  const auto stored = store_.put(pending_);
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
