#include "pipeline/movers_feed.h"

#include <algorithm>

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr milliseconds kStepRest{2'000};
constexpr BackoffOptions kErrorBackoff{.min = kStepRest, .max = milliseconds{15'000}};
constexpr int kRestFactor = 19;        // work for 1 of 20
constexpr milliseconds kRestMax{250};  // or a busy machine would never be done
// Influencers that are due every so many minutes: a base is put together of at most so many.
constexpr minutes kMinutesOfBaseMax{10};

minutes renewed_every(minutes length) {
  return length <= std::chrono::hours{1} ? minutes{5} : minutes{60};
}

double seconds_of(MonoTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::optional<Minute> choose_base(std::span<const MinuteStats> rows, Minute wanted) {
  std::optional<Minute> chosen;
  std::uint64_t most = 0;
  for (const auto& row : rows) {
    if (row.stored == 0 || row.minute > wanted || row.minute < wanted - kBaseSlack) continue;
    if (row.stored >= most) chosen = row.minute;
    most = std::max(most, row.stored);
  }
  if (chosen) return chosen;
  const auto is_inside = [&](const MinuteStats& row) {
    return row.stored > 0 && row.minute > wanted;
  };
  const auto oldest = std::ranges::find_if(rows, is_inside);
  for (auto row = oldest; row != rows.end() && row->minute <= oldest->minute + kBaseSlack; ++row) {
    if (row->stored > most) chosen = row->minute;
    most = std::max(most, row->stored);
  }
  return chosen;
}

MoversFeed::MoversFeed(MoversOptions options, const Store& store, Board board, const Clock& clock,
                       Metrics& metrics, Log& log)
    : options_(options),
      store_(store),
      board_(std::move(board)),
      clock_(clock),
      state_(log, "movers", clock),
      backoff_(clock, kErrorBackoff),
      read_seconds_(metrics.histogram("ia_movers_base_read_seconds",
                                      "Duration of reading one base, with its rests.", {},
                                      {0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000})),
      publish_seconds_(metrics.histogram("ia_movers_publish_seconds",
                                         "Duration of making the lists of all windows.", {},
                                         {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1})) {}

milliseconds MoversFeed::step() {
  resumed_at_ = clock_.mono();
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (const auto renewed = renew(i); !renewed) {
      backoff_.failed();
      if (renewed.error().code == Errc::kCancelled) return backoff_.rest();
      state_.failing("cannot read what the movers are measured from", renewed.error().message);
      return backoff_.rest();
    }
    publish_if_due();
  }
  backoff_.succeeded();
  state_.recovered("reading what the movers are measured from again");
  return kStepRest;
}

Status MoversFeed::renew(std::size_t index) {
  auto& window = windows_[index];
  const auto length = kMoverWindows[index].length;
  const auto now = minute_of(clock_.wall());
  const auto wanted = now - length;
  if (window.base) {
    const auto age = wanted - window.base->minute();
    const bool is_young = minutes{0} <= age && age < renewed_every(length);
    if (is_young || window.looked_at == now) return {};
  }
  const auto chosen = choose(length);
  if (!chosen) return std::unexpected(chosen.error());
  window.looked_at = now;
  if (!*chosen || (window.base && window.base->minute() == **chosen)) return {};
  return read_base(window, **chosen, wanted);
}

// The minute that runs is not looked at: most of it is still to come.
Result<std::optional<Minute>> MoversFeed::choose(minutes length) {
  const auto now = minute_of(clock_.wall());
  const auto wanted = now - length;
  for (const MinuteRange range :
       {MinuteRange{wanted - kBaseSlack, wanted + minutes{1}}, MinuteRange{wanted, now}}) {
    const auto rows = store_.read_minutes(range);
    if (!rows) return std::unexpected(rows.error());
    if (const auto chosen = choose_base(*rows, wanted)) return chosen;
  }
  return std::nullopt;
}

// Where influencers are due every few minutes only, those around complete the base: older ones, or
// younger ones when there is nothing older.
Status MoversFeed::read_base(Window& window, Minute minute, Minute wanted) {
  const auto registry = store_.registry();
  if (!registry) return std::unexpected(registry.error());
  const auto count = std::clamp(registry->schedule.interval, minutes{1}, kMinutesOfBaseMax);
  const auto step = minute > wanted ? minutes{1} : minutes{-1};
  const auto began = clock_.mono();
  MoversBase base(minute);
  for (minutes i{0}; i < count; ++i) {
    const auto columns = store_.read_minute(minute + i.count() * step, [this] { return go_on(); });
    if (!columns) return std::unexpected(columns.error());
    if (columns->damaged) base.note_damage();
    base.add(*board_(), columns->influencers, columns->followers);
  }
  window.base.emplace(std::move(base));
  base_changed_ = true;
  read_seconds_.observe(seconds_of(clock_.mono() - began));
  return {};
}

bool MoversFeed::go_on() {
  publish_if_due();
  const auto worked = clock_.mono() - resumed_at_;
  const auto rest = std::min<MonoTime::duration>(worked * kRestFactor, kRestMax);
  std::unique_lock lock(mutex_);
  abandoned_changed_.wait_for(lock, rest, [this] { return abandoned_; });
  resumed_at_ = clock_.mono();
  return !abandoned_;
}

void MoversFeed::publish_if_due() {
  const auto minute = minute_of(clock_.wall());
  if (published_in_ == minute && !base_changed_) return;
  const auto board = board_();
  const bool is_new = base_changed_ || board->version() != published_version_;
  published_in_ = minute;
  if (!is_new) return;
  const auto began = clock_.mono();
  published_version_ = board->version();
  base_changed_ = false;
  for (auto& window : windows_) {
    if (!window.base) continue;
    window.movers = std::make_shared<const Movers>(find_movers(*board, *window.base, options_));
  }
  publish_seconds_.observe(seconds_of(clock_.mono() - began));
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < windows_.size(); ++i) snapshot_[i] = windows_[i].movers;
}

void MoversFeed::abandon() {
  {
    const std::scoped_lock lock(mutex_);
    abandoned_ = true;
  }
  abandoned_changed_.notify_all();
}

MoversSnapshot MoversFeed::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

}  // namespace ia
