#include "storage/segment.h"

#include <algorithm>

#include "storage/packed_segment.h"
#include "storage/sqlite_segment.h"

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kOpenMax = 64;

}  // namespace

Error damaged_segment(const std::filesystem::path& file, std::string_view what) {
  return {Errc::kCorrupt, file.string() + ": " + std::string(what) + ": restore it from a backup"};
}

SegmentPart part_of(const SegmentInfo& info, SegmentFormat format, Minute minute) {
  if (format != SegmentFormat::kHours) return {.range = info.range};
  constexpr std::chrono::hours kHour{1};
  const auto index = (minute - info.range.begin) / kHour;
  const auto begin = info.range.begin + index * kHour;
  return {.range = {begin, std::min(begin + kHour, info.range.end)},
          .index = static_cast<std::size_t>(index)};
}

Result<SegmentReader> SegmentReader::open(const Files& files, const SegmentInfo& info) {
  const auto path = files.segment(info.name);
  auto file = info.name.ends_with(kPackedSuffix) ? open_packed_segment(path, info)
                                                 : open_sqlite_segment(path, info);
  if (!file) return std::unexpected(file.error());
  return SegmentReader(info, std::move(*file));
}

Result<SegmentReader*> SegmentCache::get(const SegmentInfo& info) {
  const auto found =
      std::ranges::find(open_, info.name, [](const auto& reader) { return reader.info().name; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
    return &open_.front();
  }
  auto reader = SegmentReader::open(files_, info);
  if (!reader) return std::unexpected(reader.error());
  open_.push_front(std::move(*reader));
  if (open_.size() > kOpenMax) open_.pop_back();
  return &open_.front();
}

void SegmentCache::forget(const SegmentInfo& info) {
  open_.remove_if([&](const auto& reader) { return reader.info().name == info.name; });
}

}  // namespace ia::sqlite_store
