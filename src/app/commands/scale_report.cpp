#include "app/commands/scale_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ia {
namespace {

constexpr double kMicroseconds = 1e6;
constexpr double kSecondsOfWork = 52;  // of a minute, as the rounds have it
constexpr double kBarsAWorker = 10;

struct Part {
  std::string name;
  double points;  // a second, when it is full
  std::string way_on;
};

std::vector<Part> parts_of(const ScaleRound& round) {
  const double busy = std::max(round.machine_busy, 1e-3);
  return {{fmt::format("this machine ({} cores, {:.0f} % busy at {:.0f} points/s)", round.cores,
                       100 * round.machine_busy, round.rate),
           round.rate / busy, "more machines"},
          {"a fetcher (one core)", kMicroseconds / std::max(round.fetch_us, 1e-3),
           "more fetchers, which share the work"},
          {"a sink (one core)", kMicroseconds / std::max(round.sink_us, 1e-3),
           "more sinks, which share the batches"},
          {"the store, if one connection worked at a time",
           kMicroseconds / std::max(round.store_us, 1e-3), "a database a range of influencers"}};
}

std::string described(const Part& part) {
  return fmt::format("  {:>9.0f} points/s, {:5.1f} M influencers a minute: {}; then {}\n",
                     part.points, part.points * kSecondsOfWork / 1e6, part.name, part.way_on);
}

std::string fit_text(std::span<const ScaleRound> rounds) {
  const auto line = fit(rounds);
  if (!line) return {};
  return fmt::format(
      "Fit: each worker adds {:.0f} points/s, {:.1f} % of what it is held to; R2 = {:.5f}\n",
      line->per_worker, 100 * line->per_worker / rounds.front().worker_rate, line->r_squared);
}

const ScaleRound& largest(std::span<const ScaleRound> rounds) {
  return *std::ranges::max_element(rounds, {}, &ScaleRound::workers);
}

}  // namespace

double ScaleRound::coverage() const {
  return due == 0 ? 1 : static_cast<double>(stored) / static_cast<double>(due);
}

std::string scale_heading() {
  return fmt::format(
      "{:>7} {:>9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9} {:>8}\n"
      "{:>7} {:>9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9} {:>8}\n",
      "workers", "points/s", "of ideal", "coverage", "fetch", "sink", "store", "commit", "queue",
      "most/", "machine", "", "", "", "", "us/point", "us/point", "us/point", "ms", "calls/s",
      "least", "busy");
}

std::string scale_row(const ScaleRound& round) {
  return fmt::format(
      "{:>7} {:>9.0f} {:>7.1f}% {:>8.3f}% {:>8.2f} {:>8.2f} {:>8.2f} {:>9.1f} {:>8.1f} {:>9.3f} "
      "{:>7.0f}%\n        {}\n",
      round.workers, round.rate, 100 * round.of_ideal(), 100 * round.coverage(), round.fetch_us,
      round.sink_us, round.store_us, round.commit_ms, round.queue_calls, round.evenness,
      100 * round.machine_busy,
      std::string(
          static_cast<std::size_t>(std::llround(kBarsAWorker * round.rate / round.worker_rate)),
          '#'));
}

std::optional<ScaleFit> fit(std::span<const ScaleRound> rounds) {
  const auto count = static_cast<double>(rounds.size());
  double x_mean = 0;
  double y_mean = 0;
  for (const auto& round : rounds) {
    x_mean += round.workers / count;
    y_mean += round.rate / count;
  }
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (const auto& round : rounds) {
    const double x = round.workers - x_mean;
    const double y = round.rate - y_mean;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  if (xx == 0) return std::nullopt;
  return ScaleFit{.per_worker = xy / xx, .r_squared = yy == 0 ? 1 : xy * xy / (xx * yy)};
}

std::string scale_conclusion(std::span<const ScaleRound> rounds) {
  auto parts = parts_of(largest(rounds));
  std::ranges::sort(parts, {}, &Part::points);
  auto text = fit_text(rounds) + "What would be full first, at the costs of the largest round:\n";
  for (const auto& part : parts) text += described(part);
  return text;
}

std::string scale_svg(std::span<const ScaleRound> rounds) {
  constexpr double kWidth = 640;
  constexpr double kHeight = 400;
  constexpr double kLeft = 80;
  constexpr double kFloor = 340;
  constexpr double kTop = 40;
  const auto& most = largest(rounds);
  const double ideal = most.workers * most.worker_rate;
  const auto x_of = [&](double workers) {
    return kLeft + (kWidth - kLeft - 40) * workers / most.workers;
  };
  const auto y_of = [&](double rate) { return kFloor - (kFloor - kTop) * rate / ideal; };
  auto svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\""
      " font-family=\"sans-serif\" font-size=\"13\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text x=\"{}\" y=\"24\">Points stored a second, by fetchers held to {:.0f} each</text>\n"
      "<path d=\"M{} {}V{}H{}\" fill=\"none\" stroke=\"#666\"/>\n"
      "<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"#999\" stroke-dasharray=\"5 4\"/>\n",
      kWidth, kHeight, kLeft, most.worker_rate, kLeft, kTop, kFloor, kWidth - 40, x_of(0), y_of(0),
      x_of(most.workers), y_of(ideal));
  for (const auto& round : rounds) {
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"#1668c1\"/>\n"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.0f} ({:.1f} %)</text>\n"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
        x_of(round.workers), y_of(round.rate), x_of(round.workers) - 10, y_of(round.rate) - 6,
        round.rate, 100 * round.of_ideal(), x_of(round.workers), kFloor + 20, round.workers);
  }
  return svg + fmt::format(
                   "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">fetchers"
                   "</text>\n</svg>\n",
                   x_of(most.workers / 2.0), kFloor + 44);
}

}  // namespace ia
