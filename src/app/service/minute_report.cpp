#include "app/service/minute_report.h"

#include <fmt/format.h>

#include "base/time_text.h"

namespace ia {
namespace {

std::string misses_of(const MinuteStats& minute) {
  std::string text;
  for (std::size_t i = 0; i < kMissReasonCount; ++i) {
    if (minute.missed[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name_of(static_cast<MissReason>(i)),
                        with_separators(minute.missed[i]));
  }
  return text.empty() ? "no misses" : "missed: " + text;
}

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string with_separators(std::uint64_t number) {
  const auto digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string report_line(const MinuteStats& minute, WallTime now) {
  const auto average = minute.stored == 0 ? 0.0
                                          : static_cast<double>(minute.followers_sum) /
                                                static_cast<double>(minute.stored);
  auto line = fmt::format("{}  {} of {} stored  {:5.1f} %  {}", hour_minute_text(minute.minute),
                          with_separators(minute.stored), with_separators(minute.due),
                          100 * minute.coverage(), misses_of(minute));
  if (minute.stored > 0) {
    line += fmt::format("  fetched in {:.1f} s  data {:.1f} s old  average followers {}",
                        seconds(minute.last_retrieved_at - minute.first_retrieved_at),
                        seconds(now - minute.last_retrieved_at),
                        with_separators(static_cast<std::uint64_t>(average)));
  }
  if (minute.repeats > 0) line += fmt::format("  repeats {}", with_separators(minute.repeats));
  return line;
}

MinuteReport::MinuteReport(const Store& store, const Clock& clock, Say say)
    : store_(store),
      clock_(clock),
      say_(std::move(say)),
      started_in_(minute_of(clock.wall())),
      next_(started_in_),
      backoff_(clock) {}

void MinuteReport::step() {
  if (!backoff_.may_call()) return;
  const auto now = clock_.wall();
  next_ = std::min(next_, minute_of(now));  // the clock may have been set back
  const auto rows = store_.read_minutes({next_, minute_of(now)});
  backoff_.note(rows.has_value());
  if (!rows) return;
  for (const auto& row : *rows) {
    if (!row.closed && row.open() > 0) return;
    auto line = report_line(row, now);
    if (row.minute == started_in_) line += "  (began within this minute)";
    say_(line);
    if (row.minute > started_in_) ++whole_minutes_;
    next_ = row.minute + std::chrono::minutes{1};
  }
}

}  // namespace ia
