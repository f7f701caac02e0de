#include "app/commands/export_csv.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <ranges>
#include <vector>

#include "api/series/pen.h"
#include "app/process/output_file.h"
#include "base/time_text.h"

namespace ia {
namespace {

constexpr std::string_view kHeader =
    "influencer_id,minute,follower_count,following_count,follower_ratio\r\n";
constexpr std::string_view kVerdictHeader =
    "influencer_id,suspicious,checked_at,changed_at,follower_count,following_count\r\n";
constexpr std::size_t kProgressEvery = 1'000;
constexpr std::size_t kVerdictsAtOnce = 10'000;
constexpr std::chrono::minutes kFirstLook{24 * 60};

// Calls write_all(csv) for the number of rows.
template <class WriteAll>
Result<std::uint64_t> write_to(const std::string& output, WriteAll write_all) {
  auto csv = OutputFile::open(output);
  if (!csv) return std::unexpected(csv.error());
  auto rows = write_all(*csv);
  if (!rows) return rows;
  if (auto done = csv->finish(); !done) return std::unexpected(done.error());
  return rows;
}

Result<std::vector<Verdict>> verdicts_on(const VerdictStore& store,
                                         const InfluencerSet& influencers) {
  std::vector<Verdict> verdicts;
  VerdictCursor cursor;
  while (true) {
    const auto page = store.read(cursor, kVerdictsAtOnce);
    if (!page) return fail("export", page.error());
    if (page->verdicts.empty()) break;
    cursor = page->cursor;
    for (const auto& verdict : page->verdicts) {
      if (influencers.contains(verdict.influencer)) verdicts.push_back(verdict);
    }
  }
  std::ranges::sort(verdicts, {}, &Verdict::influencer);
  return verdicts;
}

void leave_out(std::span<const MinuteStats> minutes, Series& series) {
  if (minutes.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (std::ranges::binary_search(minutes, series.minutes[i], {}, &MinuteStats::minute)) continue;
    series.minutes[kept] = series.minutes[i];
    series.followers[kept] = series.followers[i];
    series.following[kept] = series.following[i];
    ++kept;
  }
  series.minutes.resize(kept);
  series.followers.resize(kept);
  series.following.resize(kept);
}

}  // namespace

std::string csv_rows(InfluencerId influencer, const Series& series) {
  constexpr std::size_t kRowBytesMax = 128;
  const auto id = std::to_string(number_of(influencer)) + ",";
  std::string out;
  append_each(out, series.size(), kRowBytesMax, [&](Pen& pen, std::size_t i) {
    pen.put(id);
    put_csv_row(pen, timestamp_text(series.minutes[i]),
                Counts{series.followers[i], series.following[i]});
  });
  return out;
}

std::string damage_line(InfluencerId influencer, MinuteRange range) {
  return fmt::format("damaged: influencer {}, {} to {}: values may be missing",
                     number_of(influencer), timestamp_text(range.begin), timestamp_text(range.end));
}

// Goes back in stretches that grow, to the newest minute that is closed.
Result<std::vector<MinuteStats>> open_minutes(const Store& store, MinuteRange range) {
  std::vector<MinuteStats> open;
  auto length = kFirstLook;
  for (auto end = range.end; end > range.begin; length *= 2) {
    const MinuteRange stretch{std::max(range.begin, end - length), end};
    const auto rows = store.read_minutes(stretch);
    if (!rows) return fail("export", rows.error());
    std::ranges::copy_if(*rows | std::views::reverse, std::back_inserter(open),
                         [](const MinuteStats& row) { return !row.closed && row.stored > 0; });
    if (std::ranges::any_of(*rows, &MinuteStats::closed)) break;
    end = stretch.begin;
  }
  std::ranges::reverse(open);
  return open;
}

std::vector<std::string> open_lines(std::span<const MinuteStats> minutes, bool is_exported) {
  std::vector<std::string> lines;
  for (const auto& row : minutes) {
    lines.push_back(fmt::format(
        "{}: {} is still open, with {} of {} values so far{}",
        is_exported ? "partial" : "left out", timestamp_text(row.minute), row.stored, row.due,
        is_exported ? "" : "; --partial on exports it, too"));
  }
  return lines;
}

Result<std::uint64_t> export_csv(const Store& store, const InfluencerSet& influencers,
                                 MinuteRange range, const std::string& output,
                                 std::span<const MinuteStats> without, const TellDamage& tell) {
  return write_to(output, [&](OutputFile& csv) -> Result<std::uint64_t> {
    const bool shows_progress = isatty(STDERR_FILENO) != 0 && influencers.size() > kProgressEvery;
    std::uint64_t rows = 0;
    auto done = csv.write(kHeader);
    for (std::size_t i = 0; done && i < influencers.size(); ++i) {
      auto series = store.read_series(influencers.at(i), range);
      if (!series) return fail("export", series.error());
      leave_out(without, *series);
      done = csv.write(csv_rows(influencers.at(i), *series));
      rows += series->size();
      if (tell && !series->damaged.empty()) tell(influencers.at(i), series->damaged);
      if (shows_progress && (i + 1) % kProgressEvery == 0) {
        fmt::print(stderr, "\r{} of {} influencers", i + 1, influencers.size());
      }
    }
    if (shows_progress) fmt::print(stderr, "\n");
    if (!done) return std::unexpected(done.error());
    return rows;
  });
}

Result<std::uint64_t> export_verdicts_csv(const VerdictStore& store,
                                          const InfluencerSet& influencers,
                                          const std::string& output) {
  const auto verdicts = verdicts_on(store, influencers);
  if (!verdicts) return std::unexpected(verdicts.error());
  return write_to(output, [&](OutputFile& csv) -> Result<std::uint64_t> {
    auto done = csv.write(kVerdictHeader);
    for (const auto& one : *verdicts) {
      if (!done) break;
      done =
          csv.write(fmt::format("{},{},{},{},{},{}\r\n", number_of(one.influencer), one.suspicious,
                                timestamp_text(one.checked_at), timestamp_text(one.changed_at),
                                one.judged.followers, one.judged.following));
    }
    if (!done) return std::unexpected(done.error());
    return verdicts->size();
  });
}

}  // namespace ia
