#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/sqlite.h"
#include "core/point.h"

// The data directory of the embedded store: where its files are, how they come to be, and how
// they are made durable.
namespace ia::sqlite_store {

// Minutes and times as the tables hold them.
inline std::int64_t to_number(Minute minute) { return minute.time_since_epoch().count(); }
inline std::int64_t to_number(WallTime time) { return time.time_since_epoch().count(); }
inline std::int64_t to_number(InfluencerId id) { return static_cast<std::int64_t>(number_of(id)); }
inline Minute minute_at(std::int64_t number) { return Minute{std::chrono::minutes{number}}; }
inline WallTime wall_time_at(std::int64_t number) {
  return WallTime{std::chrono::milliseconds{number}};
}
inline InfluencerId influencer_at(std::int64_t number) {
  return InfluencerId{static_cast<std::uint64_t>(number)};
}

class Files {
 public:
  explicit Files(std::filesystem::path directory) : directory_(std::move(directory)) {}
  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path version() const { return directory_ / "store.version"; }
  std::filesystem::path database() const { return directory_ / "store.db"; }
  std::filesystem::path damage_marks() const { return directory_ / "store.damage"; }
  std::filesystem::path quarantine() const { return directory_ / "quarantine"; }
  std::filesystem::path segments() const { return directory_ / "segments"; }
  std::filesystem::path segment(std::string_view name) const { return segments() / name; }

  // Of store.db with its log and the segments.
  std::uint64_t bytes() const;
  std::uint64_t free_bytes() const;

 private:
  std::filesystem::path directory_;
};

// Creates what is absent, in one process at a time. kInvalid when a newer program wrote it, or
// when it cannot be written.
Status prepare_for_writing(const Files& files);
// kUnavailable when it was never written.
Status check_for_reading(const Files& files);
// kInvalid, with the reason, where the directory cannot be read, or holds none of the files of a
// data directory: what is to be copied or verified is elsewhere.
Status check_has_data(const Files& files);

// A connection to store.db as all of ours are: no checkpoint in a commit, `cache_kib` of pages.
Result<sqlite::Connection> open_database(const Files& files, sqlite::Access access, int cache_kib);

// Contents of a file, and a directory's entries, to the disk.
Status sync_path(const std::filesystem::path& path);
// Begins to write what the page cache holds of a file, so that a later sync has little to do, and
// waits for what was begun before, so that a sync of another file never waits for much of this one.
void write_back(const std::filesystem::path& path);
// What `from` holds is durable under the name `to`, or nothing of that name exists.
Status publish(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace ia::sqlite_store
