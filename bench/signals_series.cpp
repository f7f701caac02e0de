#include "signals_series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace ia {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr Minute kBegin = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2};  // a Monday
constexpr double kDay = 1'440;
constexpr std::uint64_t kSeedsApart = 100;

class Maker {
 public:
  Maker(days length, std::uint64_t seed)
      : random_(seed), length_(static_cast<std::size_t>(minutes{length}.count())) {
    series_.minutes.resize(length_);
    for (std::size_t i = 0; i < length_; ++i) {
      series_.minutes[i] = kBegin + minutes{static_cast<int>(i)};
    }
    gains_.assign(length_, 0);
    followings_.assign(length_, 0);
  }

  void grow_like_mockstagram() {
    is_mock_ = true;
    followers_ = std::max(5'000.0, 100'000 * (1 + normal()));
    following_ = std::max(50.0, 1'000 * (1 + normal()));
  }

  void grow() {
    base_ = log_uniform(0.02, 200);
    followers_ = base_ * log_uniform(2'000, 50'000) + 200;
    following_ = log_uniform(50, 3'000);
    const double phase = uniform(0, 1);
    double drift = 0;
    for (std::size_t i = 0; i < length_; ++i) {
      const auto day = static_cast<double>(i) / kDay;
      if (i % 60 == 0) drift = 0.9 * drift + 0.15 * normal();
      const double of_day = 1 + 0.8 * std::sin(2 * std::numbers::pi * (day + phase));
      const double of_week = std::fmod(day, 7) >= 5 ? 1.5 : 1;
      const double rate = base_ * of_day * of_week * std::exp(drift + 0.2 * normal());
      gains_[i] += poisson(rate) - poisson(0.3 * base_);
      followings_[i] += poisson(0.004) - poisson(0.003);
    }
    for (std::size_t i = 0; i < length_; i += 1 + below(1'440)) add_burst(i, 2 * base_, 3, 60);
  }

  void go_viral() {
    for (int n = 0; n < 2; ++n) spread(Happening::kViral, 600, {5, 30}, {60, 360});
  }

  void be_mentioned() {
    for (int n = 0; n < 3; ++n) spread(Happening::kMention, 300, {1, 3}, {5, 60});
  }

  void buy_at_once(double least, double most) {
    for (int n = 0; n < 3; ++n) {
      const auto begin = place(120);
      const auto length = 1 + below(3);
      const auto size = std::llround(log_uniform(least, most));
      for (std::size_t i = 0; i < length; ++i) gains_[begin + i] += size / static_cast<int>(length);
      note(Happening::kBoughtAtOnce, begin, length, size);
    }
  }

  void drip(double per_minute, std::size_t length) {
    const auto begin = place(length);
    std::int64_t size = 0;
    for (std::size_t i = 0; i < length && begin + i < length_; ++i) {
      const auto gained = poisson(per_minute);
      gains_[begin + i] += gained;
      size += gained;
    }
    note(Happening::kDripFeed, begin, length, size);
  }

  void drip_some() {
    const auto length = static_cast<std::size_t>(60 * log_uniform(1, 24));
    drip(log_uniform(1'000, 50'000) / static_cast<double>(length), length);
  }

  void drip_spreads(double spreads, hours length) {
    std::vector<double> increments(gains_.begin(), gains_.end());
    drip(spreads * usual_change(increments).spread,
         static_cast<std::size_t>(minutes{length}.count()));
  }

  void clear_up() {
    const auto length = 20 + below(200);
    const auto begin = place(length);
    for (std::size_t i = 0; i < length; ++i) followings_[begin + i] -= 1 + poisson(3);
  }

  void follow_and_unfollow() {
    const auto first = 60 + below(600);
    const auto every = 960 + below(1'440);
    const auto last = first + (length_ - first) / every * every;
    for (auto begin = first; begin + every <= length_; begin += every) {
      const auto size = static_cast<double>(250 + below(750));
      const auto active = static_cast<double>(180 + below(200));
      for (std::size_t i = 0; i < static_cast<std::size_t>(active); ++i) {
        followings_[begin + i] += poisson(size / active);
        followings_[begin + every / 2 + i] -= poisson(size / active);
      }
    }
    note(Happening::kSawTooth, first, last - first, 0);
  }

  void lose_values() {
    losses_.assign(length_, false);
    for (std::size_t i = 0; i < length_; ++i) losses_[i] = uniform(0, 1) < 0.1;
    for (int n = 0; n < 2; ++n) {
      const auto length = 60 + below(420);
      const auto begin = place(length);
      std::fill_n(losses_.begin() + static_cast<std::ptrdiff_t>(begin), length, true);
    }
  }

  KnownSeries finish(bool has_glitches = false) {
    add_up();
    if (has_glitches) add_glitches();
    drop_losses();
    return std::move(series_);
  }

 private:
  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random_);
  }
  double log_uniform(double from, double to) {
    return std::exp(uniform(std::log(from), std::log(to)));
  }
  double normal() { return normal_(random_); }
  std::int64_t poisson(double mean) {
    if (mean <= 0) return 0;
    return std::poisson_distribution<std::int64_t>(mean)(random_);
  }
  std::size_t below(std::size_t count) { return random_() % count; }
  // Somewhere behind the first day, with room for `length`.
  std::size_t place(std::size_t length) {
    const auto last = length_ - std::min(length_ / 2, length + 120);
    return 1'440 + below(std::max<std::size_t>(1, last - std::min<std::size_t>(last, 1'440)));
  }

  void note(Happening what, std::size_t begin, std::size_t length, std::int64_t size) {
    const auto end = std::min(begin + length, length_) - 1;
    series_.events.push_back({what, series_.minutes[begin], series_.minutes[end], size});
  }

  // A rate that rises to its peak and decays.
  // A burst somewhere, with room for `length`; rise and half-life in minutes, within these bounds.
  void spread(Happening what, std::size_t length, std::pair<double, double> rises,
              std::pair<double, double> half_lives) {
    const auto begin = place(length);
    const double rise = uniform(rises.first, rises.second);
    const double half_life = uniform(half_lives.first, half_lives.second);
    const double peak = std::max(base_ * uniform(20, 300), 20.0);
    const auto size = add_burst(begin, peak, rise, half_life);
    note(what, begin, static_cast<std::size_t>(rise + 5 * half_life), size);
  }
  std::int64_t add_burst(std::size_t begin, double peak, double rise, double half_life) {
    std::int64_t size = 0;
    for (auto i = begin; i < length_; ++i) {
      const auto since = static_cast<double>(i - begin);
      const auto share = since < rise ? since / rise : std::exp2((rise - since) / half_life);
      if (share < 1e-3 && since > rise) break;
      const auto gained = poisson(peak * share * std::exp(0.2 * normal()));
      gains_[i] += gained;
      size += gained;
    }
    return size;
  }

  void add_up() {
    for (std::size_t i = 0; i < length_; ++i) {
      followers_ += static_cast<double>(gains_[i]);
      following_ += static_cast<double>(followings_[i]);
      if (is_mock_) {
        followers_ = std::max(5'000.0, followers_ + 10'000 * normal());
        following_ = std::max(50.0, following_ + 100 * normal());
      }
      series_.followers.push_back(std::llround(std::max(0.0, followers_)));
      series_.following.push_back(std::llround(std::max(0.0, following_)));
    }
  }

  void add_glitches() {
    for (int n = 0; n < 3; ++n) {
      const auto begin = place(10);
      const auto length = 1 + below(3);
      const double factor = below(2) == 0 ? 0 : uniform(1.2, 3);
      for (std::size_t i = begin; i < begin + length; ++i) {
        series_.followers[i] = std::llround(static_cast<double>(series_.followers[i]) * factor);
      }
      note(Happening::kGlitch, begin, length, 0);
    }
  }

  void drop_losses() {
    if (losses_.empty()) return;
    KnownSeries kept;
    kept.events = series_.events;
    for (std::size_t i = 0; i < length_; ++i) {
      if (losses_[i]) continue;
      kept.minutes.push_back(series_.minutes[i]);
      kept.followers.push_back(series_.followers[i]);
      kept.following.push_back(series_.following[i]);
    }
    series_ = std::move(kept);
  }

  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::size_t length_;
  bool is_mock_ = false;
  double base_ = 0;  // followers a minute
  double followers_ = 0;
  double following_ = 0;
  std::vector<std::int64_t> gains_;
  std::vector<std::int64_t> followings_;
  std::vector<bool> losses_;
  KnownSeries series_;
};

}  // namespace

std::string_view name_of(SeriesKind kind) {
  static constexpr std::array<std::string_view, kSeriesKinds> kNames = {
      "organic",     "organic, gaps",   "viral",        "glitches",     "clearing up",
      "Mockstagram", "bought",          "bought, gaps", "bought, mock", "drip fed",
      "saw-tooth",   "saw-tooth, mock", "mentions"};
  return kNames[static_cast<std::size_t>(kind)];
}

KnownSeries make_series(SeriesKind kind, days length, std::uint64_t seed) {
  using enum SeriesKind;
  Maker maker(length, seed * kSeedsApart + static_cast<std::uint64_t>(kind));
  const bool is_mock = kind == kMockstagram || kind == kBoughtMock || kind == kSawToothMock;
  if (is_mock) {
    maker.grow_like_mockstagram();
  } else {
    maker.grow();
  }
  if (kind == kViral) maker.go_viral();
  if (kind == kMentions) maker.be_mentioned();
  if (kind == kClearing) maker.clear_up();
  if (kind == kBought || kind == kBoughtGaps) maker.buy_at_once(300, 30'000);
  if (kind == kBoughtMock) maker.buy_at_once(50'000, 500'000);
  if (kind == kDrip) maker.drip_some();
  if (kind == kSawTooth || kind == kSawToothMock) maker.follow_and_unfollow();
  if (kind == kGaps || kind == kBoughtGaps) maker.lose_values();
  return maker.finish(kind == kGlitches);
}

KnownSeries make_drip(double spreads, hours length, std::uint64_t seed) {
  Maker maker(days{7}, seed);
  maker.grow();
  maker.drip_spreads(spreads, length);
  return maker.finish();
}

}  // namespace ia
