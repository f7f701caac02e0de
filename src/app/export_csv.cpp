#include "app/export_csv.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>

namespace ia {
namespace {

constexpr std::string_view kHeader =
    "influencer_id,minute,follower_count,following_count,follower_ratio\n";
constexpr std::size_t kProgressEvery = 1'000;

std::unexpected<Error> cannot_write(const std::string& output) {
  return fail(Errc::kUnavailable, fmt::format("cannot write {}: {}", output, std::strerror(errno)));
}

bool write(std::FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

Result<std::uint64_t> write_all(const Store& store, const InfluencerSet& influencers,
                                MinuteRange range, std::FILE* file, const std::string& output) {
  const bool shows_progress = isatty(STDERR_FILENO) != 0 && influencers.size() > kProgressEvery;
  std::uint64_t rows = 0;
  if (!write(file, kHeader)) return cannot_write(output);
  for (std::size_t i = 0; i < influencers.size(); ++i) {
    const auto series = store.read_series(influencers.at(i), range);
    if (!series) return fail("export", series.error());
    if (!write(file, csv_rows(influencers.at(i), *series))) return cannot_write(output);
    rows += series->size();
    if (shows_progress && (i + 1) % kProgressEvery == 0) {
      fmt::print(stderr, "\r{} of {} influencers", i + 1, influencers.size());
    }
  }
  if (shows_progress) fmt::print(stderr, "\n");
  if (std::fflush(file) != 0) return cannot_write(output);
  return rows;
}

}  // namespace

std::string csv_rows(InfluencerId influencer, const Series& series) {
  fmt::memory_buffer out;
  const auto at = std::back_inserter(out);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Counts counts{series.followers[i], series.following[i]};
    fmt::format_to(at, "{},{:%FT%TZ},{},{},", number_of(influencer),
                   std::chrono::floor<std::chrono::seconds>(series.minutes[i]), counts.followers,
                   counts.following);
    if (const auto ratio = follower_ratio(counts)) fmt::format_to(at, "{}", *ratio);
    out.push_back('\n');
  }
  return fmt::to_string(out);
}

Result<std::uint64_t> export_csv(const Store& store, const InfluencerSet& influencers,
                                 MinuteRange range, const std::string& output) {
  if (output == "-") return write_all(store, influencers, range, stdout, "standard output");
  const auto unfinished = output + ".part";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(unfinished.c_str(), "wb"),
                                                             &std::fclose);
  if (!file) return cannot_write(output);
  auto rows = write_all(store, influencers, range, file.get(), output);
  std::error_code error;
  if (!rows) {
    std::filesystem::remove(unfinished, error);
    return rows;
  }
  std::filesystem::rename(unfinished, output, error);
  if (error) return fail(Errc::kUnavailable, "cannot write " + output + ": " + error.message());
  return rows;
}

}  // namespace ia
