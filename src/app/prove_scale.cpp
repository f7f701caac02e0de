#include "app/prove_scale.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#include "app/cli.h"
#include "app/signals.h"
#include "app/trial_round.h"

namespace ia {
namespace {

constexpr std::chrono::milliseconds kTick{100};

void say(const std::string& text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

int failure(const std::string& message) {
  fmt::print(stderr, "influencer-analytics: {}\n", message);
  return kExitFailure;
}

// A line on the terminal that the next one overwrites.
class ProgressLine {
 public:
  void show(const std::string& text) {
    if (!is_terminal_ || text == shown_) return;
    shown_ = text;
    fmt::print(stderr, "\r{:<70}", text);
  }
  void clear() {
    if (is_terminal_) fmt::print(stderr, "\r{:<70}\r", "");
  }

 private:
  const bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  std::string shown_;
};

bool write_drawing(const std::string& path, std::span<const ScaleRound> rounds) {
  std::ofstream file(path);
  file << scale_svg(rounds);
  return static_cast<bool>(file.flush());
}

}  // namespace

int prove_scale(const Config& config, const Clock& clock, Log& log) {
  ProgressLine line;
  std::vector<ScaleRound> rounds;
  say(scale_heading());
  for (const auto workers : config.workers) {
    const TrialSurroundings around{
        .clock = clock,
        .log = log,
        .go_on = [] { return !wait_for_stop_signal(kTick); },
        .progress =
            [&](const std::string& doing) {
              line.show(fmt::format("{} of {} workers: {}", workers, config.workers.back(), doing));
            }};
    const auto round = run_trial_round(config, workers, around);
    line.clear();
    if (!round) return failure(round.error().message);
    say(scale_row(*round));
    rounds.push_back(*round);
  }
  say("\n" + scale_conclusion(rounds));
  if (!config.trial_output.empty() && !write_drawing(config.trial_output, rounds)) {
    return failure("cannot write " + config.trial_output + ": choose another --output");
  }
  const bool is_proven = std::ranges::all_of(
      rounds, [](const ScaleRound& round) { return round.of_ideal() >= kScaleLeast; });
  if (is_proven) return 0;
  return failure(fmt::format("a round stayed below {:.0f} % of the ideal", 100 * kScaleLeast));
}

}  // namespace ia
