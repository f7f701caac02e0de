// A backup is a data directory: any version that reads the one reads the other.
#include "storage/backup.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/unfinished.h"
#include "storage/files.h"
#include "storage/tables.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using sqlite::Access;
using sqlite::Connection;
using sqlite_store::Files;

constexpr int kTriesMax = 20;
// In this order: what leaves the queue of points is in the store by then.
constexpr std::array<const char*, 4> kBeforeStore = {
    "influencer_data_points.db", "influencer_id_store.db", "alerts.db", "verdicts.db"};

std::unexpected<Error> failed(const fs::path& path, const std::error_code& error) {
  return fail(Errc::kUnavailable, path.string() + ": " + error.message());
}

Status copy_database(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const auto* suffix : {"", "-journal", "-wal", "-shm"}) {
    fs::remove(to.string() + suffix, error);
  }
  auto source = Connection::open(from, Access::kRead);
  if (!source) return std::unexpected(source.error());
  auto target = Connection::open(to, Access::kCreate);
  if (!target) return std::unexpected(target.error());
  if (source->has_checksums()) target->reserve_checksums();
  return source->copy_to(*target);
}

Status copy_file(const fs::path& from, const fs::path& to, BackupReport& report) {
  std::error_code error;
  const auto size = fs::file_size(from, error);
  if (error) return fail(Errc::kNotFound, from.string() + ": " + error.message());
  if (fs::exists(to) && fs::file_size(to, error) == size) return {};
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error == std::errc::no_such_file_or_directory) {
    return fail(Errc::kNotFound, from.string() + ": " + error.message());
  }
  if (error) return failed(to, error);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
  ++report.files;
  report.bytes += size;
  return sqlite_store::sync_path(to);
}

// The segments that the copied tables name: kNotFound for the first that is gone.
Status copy_segments(const Files& from, const Files& to, bool is_last, BackupReport& report) {
  auto tables = Connection::open(to.database(), Access::kRead);
  if (!tables) return std::unexpected(tables.error());
  const auto segments = sqlite_store::read_segments(*tables, sqlite_store::kAllMinutes);
  if (!segments) return std::unexpected(segments.error());
  for (const auto& segment : *segments) {
    const auto copied = copy_file(from.segment(segment.name), to.segment(segment.name), report);
    if (copied) continue;
    if (!is_last || copied.error().code != Errc::kNotFound) return copied;
    report.findings.push_back("segment " + segment.name + " is gone: its minutes are not in this");
  }
  // Those of an earlier try that are not named any more.
  std::error_code error;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(to.segments(), error)) {
    const auto name = entry.path().filename().string();
    if (std::ranges::find(*segments, name, &sqlite_store::SegmentInfo::name) == segments->end()) {
      others.push_back(entry.path());
    }
  }
  for (const auto& other : others) fs::remove(other, error);
  return {};
}

Status copy_store(const Files& from, const Files& to, BackupReport& report) {
  for (int tries = 1;; ++tries) {
    if (auto copied = copy_database(from.database(), to.database()); !copied) return copied;
    auto copied = copy_segments(from, to, tries == kTriesMax, report);
    if (copied || copied.error().code != Errc::kNotFound) return copied;
  }
}

Status sync_all(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    if (auto synced = sqlite_store::sync_path(entry.path()); !synced) return synced;
  }
  return sqlite_store::sync_path(directory);
}

Status fill(const fs::path& data, const fs::path& draft, BackupReport& report) {
  const Files from(data);
  const Files to(draft);
  std::error_code error;
  fs::create_directories(to.segments(), error);
  if (error) return failed(draft, error);
  for (const auto& private_directory : {draft, to.segments()}) {
    fs::permissions(private_directory, fs::perms::owner_all, error);
  }
  for (const auto* name : kBeforeStore) {
    if (!fs::exists(data / name, error)) continue;
    if (auto copied = copy_database(data / name, draft / name); !copied) return copied;
    ++report.files;
    report.bytes += fs::file_size(draft / name, error);
  }
  if (!fs::exists(from.database(), error)) return sync_all(draft);
  if (auto copied = copy_store(from, to, report); !copied) return copied;
  ++report.files;
  report.bytes += fs::file_size(to.database(), error);
  if (auto copied = copy_file(from.version(), to.version(), report); !copied) return copied;
  return sync_all(draft);
}

// Beside the target, under a name that nothing has.
Result<UnfinishedPath> make_draft(const fs::path& target) {
  std::error_code error;
  const auto parent = fs::absolute(target, error).parent_path();
  fs::create_directories(parent, error);
  if (error) return failed(parent, error);
  auto pattern = target.string() + ".partial-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return failed(pattern, std::error_code(errno, std::generic_category()));
  }
  return UnfinishedPath(pattern);
}

}  // namespace

Result<BackupReport> back_up(const fs::path& data, const fs::path& given) {
  const auto target = given.has_filename() ? given : given.parent_path();  // "DIR/" is "DIR"
  std::error_code error;
  if (auto there = sqlite_store::check_has_data(Files(data)); !there) {
    return std::unexpected(there.error());
  }
  const bool is_taken = fs::symlink_status(target, error).type() != fs::file_type::not_found;
  if (is_taken) {
    return fail(Errc::kInvalid, target.string() + " exists: name a directory that does not");
  }
  auto draft = make_draft(target);
  if (!draft) return std::unexpected(draft.error());
  BackupReport report;
  if (auto filled = fill(data, draft->path(), report); !filled) {
    return std::unexpected(filled.error());
  }
  if (const auto unnamed = draft->publish(target)) return failed(target, unnamed);
  const auto synced = sqlite_store::sync_path(fs::absolute(target, error).parent_path());
  if (!synced) return std::unexpected(synced.error());
  return report;
}

Result<BackupReport> restore_backup(const fs::path& backup, const fs::path& data) {
  std::error_code error;
  if (fs::exists(data, error) && !fs::is_empty(data, error)) {
    return fail(Errc::kInvalid,
                data.string() + " is not empty: move it away, or name another --data-dir");
  }
  // A link to an empty directory stays one: what it points to is replaced.
  std::error_code dangling;
  const auto place = fs::is_symlink(data, error) ? fs::canonical(data, dangling) : data;
  if (dangling) return failed(data, dangling);
  fs::remove(place, error);
  return back_up(backup, place);
}

}  // namespace ia
