#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "ports/store.h"
#include "storage/segment.h"
#include "storage/tables.h"

// Writes segments as older versions did: SQLite databases of format 1 or 2. For tests.
namespace ia::sqlite_store {

inline void expect_done(const Status& status) {
  if (!status) std::abort();
}

// What `store` has of the influencers 1 to `count` in the segment's range, without misses.
inline void write_old_segment(const Files& files, const SegmentInfo& info, SegmentFormat format,
                              const Store& store, std::uint64_t count) {
  auto db = sqlite::Connection::open(files.segment(info.name), sqlite::Access::kCreate).value();
  db.reserve_checksums();
  const auto about = std::to_string(static_cast<int>(format)) + ", " +
                     std::to_string(to_number(info.range.begin)) + ", " +
                     std::to_string((info.range.end - info.range.begin).count()) + ", " +
                     std::to_string(info.frames_through);
  expect_done(db.execute(("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; BEGIN; CREATE TABLE "
                          "about(format INTEGER, begin_minute INTEGER, span INTEGER, "
                          "frames_through INTEGER); INSERT INTO about VALUES (" +
                          about + ")")
                             .c_str()));
  for (auto minute = info.range.begin; minute < info.range.end;) {
    const auto part = part_of(info, format, minute);
    const auto table =
        format == SegmentFormat::kWhole ? "chunk" : "chunk_" + std::to_string(part.index);
    expect_done(db.execute(
        ("CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, data BLOB NOT NULL)").c_str()));
    auto insert = db.prepare("INSERT INTO " + table + " VALUES (?1, ?2)").value();
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto series = store.read_series(InfluencerId{i}, part.range).value();
      std::vector<std::uint16_t> offsets;
      for (const auto at : series.minutes) offsets.push_back(part.offset_of(at));
      std::string bytes;
      encode_chunk({offsets, series.followers, series.following, {}}, part.span(), bytes);
      expect_done(insert.bind(1, static_cast<std::int64_t>(i)).bind_blob(2, bytes).run());
    }
    minute = part.range.end;
  }
  expect_done(db.execute("COMMIT"));
}

// Puts segments of older formats in place of all that the data directory has: days of `day_format`,
// hours of format 2, and the version that wrote them.
inline void make_old(const std::filesystem::path& data, const Store& store, std::uint64_t count,
                     SegmentFormat day_format) {
  const Files files(data);
  auto db = open_database(files, sqlite::Access::kWrite, 1024).value();
  auto infos = read_segments(db, kAllMinutes).value();
  for (auto& info : infos) {
    const auto name = info.name;
    info.name = name.substr(0, name.size() - kPackedSuffix.size()) + ".db";
    const bool is_day = info.range.end - info.range.begin == std::chrono::days{1};
    write_old_segment(files, info, is_day ? day_format : SegmentFormat::kHours, store, count);
    expect_done(db.execute(
        ("UPDATE segment SET name = '" + info.name + "' WHERE name = '" + name + "'").c_str()));
    std::filesystem::remove(files.segment(name));
  }
  expect_done(db.execute("UPDATE state SET catalog_version = catalog_version + 1"));
  const auto version = day_format == SegmentFormat::kWhole ? "1" : "3";
  std::ofstream(files.version()) << "influencer-analytics store " << version << "\n";
}

}  // namespace ia::sqlite_store
