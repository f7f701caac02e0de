#include "app/commands/prove_scale.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "app/commands/trial_round.h"
#include "app/process/console.h"
#include "app/process/output_file.h"
#include "app/process/stop_signals.h"

namespace ia {
namespace {

constexpr std::chrono::milliseconds kTick{100};

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

Status write_drawing(const std::string& path, std::span<const ScaleRound> rounds) {
  if (path.empty()) return {};
  auto file = OutputFile::open(path);
  if (!file) return std::unexpected(file.error());
  if (auto written = file->write(scale_svg(rounds)); !written) return written;
  return file->finish();
}

}  // namespace

int prove_scale(const Config& config, const Clock& clock, Log& log) {
  const auto failure = [&](const Error& error) { return report_failure(error, config, log); };
  ProgressLine line;
  std::vector<ScaleRound> rounds;
  say_text(scale_heading());
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
    if (!round) return failure(round.error());
    say_text(scale_row(*round));
    rounds.push_back(*round);
  }
  say_text("\n" + scale_conclusion(rounds));
  if (const auto drawn = write_drawing(config.trial_output, rounds); !drawn) {
    return failure(drawn.error());
  }
  const bool is_proven = std::ranges::all_of(
      rounds, [](const ScaleRound& round) { return round.of_ideal() >= kScaleLeast; });
  if (is_proven) return 0;
  return failure({Errc::kUnavailable,
                  fmt::format("a round stayed below {:.0f} % of the ideal", 100 * kScaleLeast)});
}

}  // namespace ia
