// How often our own signals are right: precision and recall on synthetic series of which is known
// what happened in them, by kind of series and by threshold; how thin a drip feed they see; what
// they cost.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "core/jump_watch.h"
#include "core/own_signals.h"
#include "signals_series.h"

namespace {

using namespace ia;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr MinuteRange kAll{std::chrono::sys_days{std::chrono::year{2026} / 3 / 3},
                           Minute{days{200'000}}};
constexpr days kLength{7};
// A finding so far from an event still means it.
constexpr minutes kNear{5};

struct Options {
  std::uint64_t accounts = 100;  // of each kind
  std::uint64_t seed = 1;
  std::string svg;
};

// What a signal is meant to find. A mention is no purchase, and comes like a post that spreads.
struct Signal {
  const char* name;
  std::function<bool(Happening)> is_wanted;
  std::function<bool(SignalKind)> is_own;
};
auto only(Happening wanted) {
  return [wanted](Happening what) { return what == wanted; };
}
const std::array<Signal, 5> kSignals = {{
    {"jump", only(Happening::kBoughtAtOnce),
     [](SignalKind k) { return k == SignalKind::kJump || k == SignalKind::kStep; }},
    {"step", only(Happening::kBoughtAtOnce), [](SignalKind k) { return k == SignalKind::kStep; }},
    {"drip", only(Happening::kDripFeed), [](SignalKind k) { return k == SignalKind::kDrip; }},
    {"surge", [](Happening h) { return h == Happening::kViral || h == Happening::kMention; },
     [](SignalKind k) { return k == SignalKind::kSurge; }},
    {"saw-tooth", only(Happening::kSawTooth),
     [](SignalKind k) { return k == SignalKind::kSawTooth; }},
}};

struct Score {
  std::size_t events = 0;
  std::size_t found = 0;  // events
  std::size_t findings = 0;
  std::size_t right = 0;  // findings
  Score& operator+=(const Score& other) {
    events += other.events;
    found += other.found;
    findings += other.findings;
    right += other.right;
    return *this;
  }
};
using Scores = std::array<Score, kSignals.size()>;

bool meet(const SignalFinding& finding, const Event& event) {
  return finding.end + kNear >= event.begin && finding.begin <= event.end + kNear;
}

Score score_of(const Signal& signal, const KnownSeries& series,
               const std::vector<SignalFinding>& findings) {
  Score score;
  for (const auto& event : series.events) {
    if (!signal.is_wanted(event.what)) continue;
    ++score.events;
    score.found += std::ranges::any_of(findings, [&](const SignalFinding& finding) {
      return signal.is_own(finding.kind) && meet(finding, event);
    });
  }
  for (const auto& finding : findings) {
    if (!signal.is_own(finding.kind)) continue;
    ++score.findings;
    score.right += std::ranges::any_of(series.events, [&](const Event& event) {
      return signal.is_wanted(event.what) && meet(finding, event);
    });
  }
  return score;
}

// Thresholds to try, and what came of them on every kind of series.
struct Trial {
  SignalThresholds thresholds;
  std::array<Scores, kSeriesKinds> by_kind{};

  Score of_all(std::size_t signal) const {
    Score all;
    for (const auto& scores : by_kind) all += scores[signal];
    return all;
  }
  const Score& of(SeriesKind kind, std::size_t signal) const {
    return by_kind[static_cast<std::size_t>(kind)][signal];
  }
};

void run(std::vector<Trial>& trials, const Options& options) {
  for (std::size_t kind = 0; kind < kSeriesKinds; ++kind) {
    for (std::uint64_t i = 0; i < options.accounts; ++i) {
      const auto series =
          make_series(static_cast<SeriesKind>(kind), kLength, options.seed * 1'000'000 + i);
      for (auto& trial : trials) {
        const auto found = find_own_signals(series.view(), kAll, trial.thresholds).findings;
        for (std::size_t s = 0; s < kSignals.size(); ++s) {
          trial.by_kind[kind][s] += score_of(kSignals[s], series, found);
        }
      }
    }
  }
}

std::string percent(std::size_t part, std::size_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string per_week(const Score& score, std::uint64_t accounts) {
  return fmt::format(
      "{:.2f}", static_cast<double>(score.findings - score.right) / static_cast<double>(accounts));
}

void print_by_kind(const Options& options) {
  std::vector<Trial> trials(1);
  run(trials, options);
  const auto& trial = trials[0];
  fmt::print(
      "\nBy kind of series: events of its kind that a signal found, and its wrong findings per "
      "account and week\n| series |");
  for (const auto& signal : kSignals) fmt::print(" {0}: found | {0}: wrong |", signal.name);
  fmt::print("\n|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (std::size_t kind = 0; kind < kSeriesKinds; ++kind) {
    fmt::print("| {} |", name_of(static_cast<SeriesKind>(kind)));
    for (const auto& score : trial.by_kind[kind]) {
      fmt::print(" {} | {} |", percent(score.found, score.events),
                 per_week(score, options.accounts));
    }
    fmt::print("\n");
  }
  fmt::print(
      "\nAll kinds in equal parts\n| signal | events | recall | findings | precision |\n"
      "|---|---|---|---|---|\n");
  for (std::size_t s = 0; s < kSignals.size(); ++s) {
    const auto all = trial.of_all(s);
    fmt::print("| {} | {} | {} | {} | {} |\n", kSignals[s].name, all.events,
               percent(all.found, all.events), all.findings, percent(all.right, all.findings));
  }
}

void print_by_threshold(const Options& options) {
  std::vector<Trial> trials;
  for (const double z : {3.5, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0}) {
    trials.emplace_back().thresholds.jump_z = z;
  }
  run(trials, options);
  fmt::print(
      "\nBy --signal-jump-z, all kinds in equal parts\n"
      "| z | jump: recall | precision | step: recall | precision | "
      "step: wrong per account and week | drip: recall | precision |\n"
      "|---|---|---|---|---|---|---|---|\n");
  for (const auto& trial : trials) {
    fmt::print("| {} |", trial.thresholds.jump_z);
    for (const std::size_t s : {0u, 1u, 2u}) {
      const auto all = trial.of_all(s);
      fmt::print(" {} | {} |", percent(all.found, all.events), percent(all.right, all.findings));
      if (s == 1) fmt::print(" {} |", per_week(all, options.accounts * kSeriesKinds));
    }
    fmt::print("\n");
  }
}

void print_saw_tooth_thresholds(const Options& options) {
  std::vector<Trial> trials;
  for (const std::int64_t least : {50, 100, 200, 400}) {
    for (const std::uint32_t runs : {2u, 4u, 6u}) {
      auto& thresholds = trials.emplace_back().thresholds;
      thresholds.saw_tooth_least = least;
      thresholds.saw_tooth_runs = runs;
    }
  }
  run(trials, options);
  fmt::print(
      "\nSaw-tooth by --signal-saw-tooth-least and --signal-saw-tooth-runs\n"
      "| least | runs | recall | recall, Mockstagram's noise | precision |\n"
      "|---|---|---|---|---|\n");
  for (const auto& trial : trials) {
    const auto& plain = trial.of(SeriesKind::kSawTooth, 4);
    const auto& mock = trial.of(SeriesKind::kSawToothMock, 4);
    const auto all = trial.of_all(4);
    fmt::print("| {} | {} | {} | {} | {} |\n", trial.thresholds.saw_tooth_least,
               trial.thresholds.saw_tooth_runs, percent(plain.found, plain.events),
               percent(mock.found, mock.events), percent(all.right, all.findings));
  }
}

// What JumpWatch kept of one series, minute by minute as it follows everybody.
std::vector<SignalFinding> candidates_of(const KnownSeries& series) {
  Roster roster;
  const InfluencerId id{1};
  roster.add(id);
  JumpWatch watch({});
  PointBatch batch;
  batch.influencers = {id};
  std::vector<SignalFinding> found;
  for (std::size_t i = 0; i < series.minutes.size(); ++i) {
    batch.minute = series.minutes[i];
    batch.retrieved_at = WallTime{batch.minute};
    batch.followers = {series.followers[i]};
    batch.following = {series.following[i]};
    watch.apply(batch, roster);
    // A list is of a day: at its end, what came in it.
    if (i % 1'440 != 1'439 && i + 1 != series.minutes.size()) continue;
    for (const auto& jump : *watch.publish()) {
      if (jump.end <= batch.minute - days{1} || jump.end < kAll.begin) continue;
      found.push_back(
          {.kind = SignalKind::kJump, .begin = jump.begin, .end = jump.end, .evidence = {}});
    }
  }
  return found;
}

void print_candidates(const Options& options) {
  const Signal bought{"", only(Happening::kBoughtAtOnce), [](SignalKind) { return true; }};
  Score all;
  fmt::print(
      "\nCandidates (JumpWatch) as a sign of followers bought at once\n"
      "| series | found | others per account and week |\n|---|---|---|\n");
  for (std::size_t kind = 0; kind < kSeriesKinds; ++kind) {
    Score score;
    for (std::uint64_t i = 0; i < options.accounts; ++i) {
      const auto series =
          make_series(static_cast<SeriesKind>(kind), kLength, options.seed * 1'000'000 + i);
      score += score_of(bought, series, candidates_of(series));
    }
    all += score;
    fmt::print("| {} | {} | {} |\n", name_of(static_cast<SeriesKind>(kind)),
               percent(score.found, score.events), per_week(score, options.accounts));
  }
  fmt::print("recall {}, precision {}\n", percent(all.found, all.events),
             percent(all.right, all.findings));
}

void print_drip(const Options& options) {
  fmt::print(
      "\nDrip feeds that any signal of followers found, by rate in usual spreads a minute\n"
      "| spreads | over 2 h | over 12 h | over 48 h |\n|---|---|---|---|\n");
  for (const double spreads : {1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0}) {
    fmt::print("| {} |", spreads);
    for (const hours length : {hours{2}, hours{12}, hours{48}}) {
      std::size_t found = 0;
      for (std::uint64_t i = 0; i < options.accounts; ++i) {
        const auto series = make_drip(spreads, length, options.seed * 1'000'000 + i);
        const auto findings = find_own_signals(series.view(), kAll, {}).findings;
        found += std::ranges::any_of(findings, [&](const SignalFinding& finding) {
          return finding.kind != SignalKind::kSawTooth && meet(finding, series.events[0]);
        });
      }
      fmt::print(" {} |", percent(found, options.accounts));
    }
    fmt::print("\n");
  }
}

void print_cost() {
  fmt::print("\nCost of find_own_signals\n");
  for (const days length : {days{1}, days{7}, days{31}}) {
    const auto series = make_series(SeriesKind::kMockstagram, length, 1);
    const int rounds = 2'000 / static_cast<int>(length.count());
    std::size_t findings = 0;
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) {
      findings += find_own_signals(series.view(), kAll, {}).findings.size();
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    fmt::print("{:>2} days, {:>6} values: {:>7.0f} us{}\n", length.count(), series.minutes.size(),
               took.count() / rounds, findings == 0 ? "" : " (with findings)");
  }
}

// One picture of four series with what was found in them.
class Picture {
 public:
  void add(const char* title, SeriesKind kind, SignalKind wanted, const Options& options) {
    for (std::uint64_t i = 0; i < options.accounts; ++i) {
      const auto series = make_series(kind, kLength, options.seed * 1'000'000 + i);
      const auto found = find_own_signals(series.view(), kAll, {}).findings;
      const auto shown = std::ranges::find(found, wanted, &SignalFinding::kind);
      if (shown == found.end()) continue;
      draw(title, wanted == SignalKind::kSawTooth ? series.following : series.followers, found,
           *shown);
      top_ += kHeight + 60;
      return;
    }
  }

  bool write(const std::string& path) const {
    const auto file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return false;
    fmt::print(file,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" "
               "aria-label=\"Four synthetic series and what was found in them.\">\n"
               "<style>text{{font:12px system-ui,sans-serif;fill:#4a5a6a}} "
               ".t{{font-weight:600;fill:#1d2733}} .l{{fill:none;stroke:#3b6fd4;stroke-width:1.5}} "
               ".f{{fill:#b7791f;fill-opacity:.25}} .b{{fill:#fff}}</style>\n"
               "<rect class=\"b\" width=\"100%\" height=\"100%\"/>\n{}</svg>\n",
               kWidth + 40, top_, body_);
    return std::fclose(file) == 0;
  }

 private:
  static constexpr int kWidth = 900;
  static constexpr int kHeight = 110;
  static constexpr std::size_t kEvery = 12;  // minutes a point

  static double x_of(double minutes_since) {
    return 20 + kWidth * minutes_since / static_cast<double>(minutes{kLength}.count());
  }

  void draw(const char* title, const std::vector<std::int64_t>& values,
            const std::vector<SignalFinding>& found, const SignalFinding& shown) {
    const auto bottom = top_ + 40 + kHeight;
    body_ += fmt::format("<text class=\"t\" x=\"20\" y=\"{}\">{}</text>\n", top_ + 16, title);
    body_ += fmt::format("<text x=\"20\" y=\"{}\">{}</text>\n", top_ + 32, shown.evidence);
    const Minute begin{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}};
    for (const auto& finding : found) {
      const auto from = x_of(static_cast<double>((finding.begin - begin).count()));
      const auto to = x_of(static_cast<double>((finding.end - begin).count()));
      body_ +=
          fmt::format("<rect class=\"f\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>\n",
                      from, top_ + 40, std::max(3.0, to - from), kHeight);
    }
    const auto [low, high] = std::ranges::minmax(values);
    body_ += "<polyline class=\"l\" points=\"";
    for (std::size_t i = 0; i < values.size(); i += kEvery) {
      const auto share = static_cast<double>(values[i] - low) / static_cast<double>(high - low);
      body_ +=
          fmt::format("{:.0f},{:.1f} ", x_of(static_cast<double>(i)), bottom - kHeight * share);
    }
    body_ += "\"/>\n";
  }

  int top_ = 0;
  std::string body_;
};

bool write_picture(const Options& options) {
  Picture picture;
  picture.add("Bought at once, three times", SeriesKind::kBought, SignalKind::kStep, options);
  picture.add("Drip fed", SeriesKind::kDrip, SignalKind::kDrip, options);
  picture.add("Two posts that spread", SeriesKind::kViral, SignalKind::kSurge, options);
  picture.add("Following, by mass follow and unfollow", SeriesKind::kSawTooth,
              SignalKind::kSawTooth, options);
  return picture.write(options.svg);
}

bool take(const char* argument, const char* value, Options& options) {
  if (value == nullptr) return false;
  const auto number = [value](std::uint64_t& to) {
    const auto end = value + std::strlen(value);
    return std::from_chars(value, end, to).ptr == end;
  };
  if (std::strcmp(argument, "--accounts") == 0) return number(options.accounts);
  if (std::strcmp(argument, "--seed") == 0) return number(options.seed);
  if (std::strcmp(argument, "--svg") == 0) return options.svg = value, true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (take(argv[i], argv[i + 1], options)) continue;
    fmt::print(stderr, "usage: signals_bench [--accounts N] [--seed N] [--svg FILE]\n");
    return 2;
  }
  if (!options.svg.empty()) return write_picture(options) ? 0 : 1;
  fmt::print("{} accounts of each kind for {} days, seed {}\n", options.accounts, kLength.count(),
             options.seed);
  print_by_kind(options);
  print_by_threshold(options);
  print_saw_tooth_thresholds(options);
  print_candidates(options);
  print_drip(options);
  print_cost();
  return 0;
}
