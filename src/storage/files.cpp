#include "storage/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/failed_sync.h"

namespace ia::sqlite_store {
namespace {

namespace fs = std::filesystem;

// 2: segments keep their hours apart; those of 1 are read as they are. 3: pages carry checksums,
// which an older program would not renew. 4: new segments are packed.
constexpr int kVersion = 4;
constexpr std::string_view kVersionPrefix = "influencer-analytics store ";

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS state(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  catalog_version INTEGER NOT NULL DEFAULT 0,
  horizon INTEGER NOT NULL DEFAULT 0,
  latest_generation INTEGER NOT NULL DEFAULT 0,
  latest_position INTEGER NOT NULL DEFAULT 0,
  dropped_through INTEGER NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO state(id) VALUES (1);
CREATE TABLE IF NOT EXISTS registry(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  interval_minutes INTEGER NOT NULL,
  spread_ms INTEGER NOT NULL,
  shard_size INTEGER NOT NULL,
  influencers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS watched(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  history TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS frame(
  position INTEGER PRIMARY KEY,
  minute INTEGER NOT NULL,
  retrieved_ms INTEGER NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  points INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS frame_data(
  position INTEGER PRIMARY KEY,
  data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS minute(
  minute INTEGER PRIMARY KEY,
  due INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  repeats INTEGER NOT NULL,
  missed BLOB NOT NULL,
  closed INTEGER NOT NULL,
  rest INTEGER NOT NULL,
  rest_reason INTEGER NOT NULL,
  followers_sum INTEGER NOT NULL,
  following_sum INTEGER NOT NULL,
  first_retrieved_ms INTEGER NOT NULL,
  last_retrieved_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS segment(
  begin_minute INTEGER PRIMARY KEY,
  end_minute INTEGER NOT NULL,
  frames_through INTEGER NOT NULL,
  points INTEGER NOT NULL,
  name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS latest(
  seq INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL,
  retrieved_ms INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS retention(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reached_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS replaced(name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS username(
  id INTEGER PRIMARY KEY,
  retrieved_ms INTEGER NOT NULL,
  name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS username_by_name ON username(name COLLATE NOCASE);
)";

std::string reason() { return std::strerror(errno); }

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool failed() const { return fd_ < 0; }

 private:
  int fd_;
};

std::unexpected<Error> not_writable(const fs::path& path) {
  return fail(Errc::kInvalid, "data directory: cannot write " + path.string() + " (" + reason() +
                                  "): check its permissions, or choose another one");
}

Status make_private_directory(const fs::path& path) {
  std::error_code ignored;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return not_writable(path);
  if (::access(path.c_str(), W_OK | X_OK) != 0) return not_writable(path);
  return {};
}

// 0 when there is no version file.
Result<int> read_version(const Files& files) {
  if (::access(files.version().c_str(), R_OK) != 0 && errno != ENOENT) {
    return fail(Errc::kInvalid,
                "data directory: cannot read " + files.version().string() + " (" + reason() +
                    "): check its permissions, or run this as the user that owns it");
  }
  std::ifstream in(files.version());
  std::string line;
  if (!std::getline(in, line)) return 0;
  int version = 0;
  const std::string_view number =
      line.starts_with(kVersionPrefix) ? std::string_view(line).substr(kVersionPrefix.size()) : "";
  const auto end = number.data() + number.size();
  const auto parsed = std::from_chars(number.data(), end, version);
  if (parsed.ec != std::errc{} || parsed.ptr != end || version < 1) {
    return fail(Errc::kCorrupt, files.version().string() +
                                    ": not a version of ours: choose another data directory, or "
                                    "restore the file");
  }
  if (version > kVersion) {
    return fail(Errc::kInvalid, "data directory " + files.directory().string() + " has format " +
                                    std::to_string(version) + ", this program knows up to " +
                                    std::to_string(kVersion) +
                                    ": use a newer program; nothing was changed");
  }
  return version;
}

Status write_version(const Files& files) {
  const auto draft = files.directory() / "store.version.tmp";
  {
    const Descriptor file(draft, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.failed()) return not_writable(draft);
    const auto line = std::string(kVersionPrefix) + std::to_string(kVersion) + "\n";
    const auto written = ::write(file.get(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
      return fail(Errc::kUnavailable, draft.string() + ": cannot be written (" + reason() + ")");
    }
  }
  return publish(draft, files.version());
}

Status create_database(const Files& files) {
  auto db = sqlite::Connection::open(files.database(), sqlite::Access::kCreate);
  if (!db) return std::unexpected(db.error());
  db->reserve_checksums();
  const auto made = db->execute(
      "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE;");
  if (!made) return made;
  if (auto filled = db->execute(kSchema); !filled) return filled;
  if (auto committed = db->execute("COMMIT"); !committed) return committed;
  // Once, of a store that an older program made. A full disk must not keep it from opening.
  const auto checked = db->add_checksums();
  return checked || checked.error().code == Errc::kUnavailable ? Status{} : checked;
}

}  // namespace

std::uint64_t Files::bytes() const {
  std::error_code error;
  std::uint64_t total = 0;
  const auto add = [&](const fs::path& path) {
    const auto size = fs::file_size(path, error);
    if (!error) total += size;
  };
  for (const char* suffix : {"", "-wal", "-shm"}) add(database().string() + suffix);
  for (auto at = fs::directory_iterator(segments(), error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    add(at->path());
    error.clear();
  }
  return total;
}

std::uint64_t Files::free_bytes() const {
  std::error_code error;
  const auto space = fs::space(directory_, error);
  return error ? 0 : space.available;
}

Status prepare_for_writing(const Files& files) {
  if (auto made = make_private_directory(files.directory()); !made) return made;
  const Descriptor lock(files.directory(), O_RDONLY | O_DIRECTORY);
  if (lock.failed() || ::flock(lock.get(), LOCK_EX) != 0) return not_writable(files.directory());
  const auto version = read_version(files);
  if (!version) return std::unexpected(version.error());
  if (auto made = make_private_directory(files.segments()); !made) return made;
  if (auto created = create_database(files); !created) return created;
  // Last, so that a version stands for a whole database.
  if (*version < kVersion) {
    if (auto written = write_version(files); !written) return written;
  }
  return sync_path(files.directory());
}

Status check_for_reading(const Files& files) {
  const auto version = read_version(files);
  if (!version) return std::unexpected(version.error());
  if (*version == 0) {
    std::error_code error;
    const auto* has_none =
        fs::exists(files.directory(), error) ? " holds no store yet" : " does not exist";
    return fail(Errc::kUnavailable, "data directory " + files.directory().string() + has_none +
                                        ": name another with --data-dir, or make the store with "
                                        "the commands run or seed");
  }
  return {};
}

Status check_has_data(const Files& files) {
  const auto& directory = files.directory();
  if (::access(directory.c_str(), R_OK | X_OK) != 0) {
    return fail(Errc::kInvalid, "data directory " + directory.string() + ": " + reason());
  }
  constexpr const char* kNames[] = {"store.version", "store.db", "segments",
                                    "influencer_id_store.db", "influencer_data_points.db"};
  for (const auto* name : kNames) {
    if (::access((directory / name).c_str(), F_OK) == 0) return {};
  }
  return fail(Errc::kInvalid, "data directory " + directory.string() +
                                  " holds nothing of this program: name the one that does");
}

Result<sqlite::Connection> open_database(const Files& files, sqlite::Access access, int cache_kib) {
  auto db = sqlite::Connection::open(files.database(), access);
  if (!db) return db;
  const auto settings =
      "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=OFF; "
      "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-" +
      std::to_string(cache_kib);
  if (auto set = db->execute(settings.c_str()); !set) return std::unexpected(set.error());
  return db;
}

Status sync_path(const fs::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.failed()) {
    return fail(Errc::kUnavailable, path.string() + ": cannot be opened (" + reason() + ")");
  }
  if (::fsync(file.get()) == 0) return {};
  const auto what = path.string() + ": fsync failed (" + reason() +
                    "), so what the disk holds is unknown: check it, then restart";
  tell_failed_sync(what);
  return fail(Errc::kCorrupt, what);
}

void write_back(const fs::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.failed()) return;
  ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
}

Status publish(const fs::path& from, const fs::path& to) {
  if (auto synced = sync_path(from); !synced) return synced;
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return fail(Errc::kUnavailable, to.string() + ": cannot be created (" + reason() + ")");
  }
  return sync_path(to.parent_path());
}

}  // namespace ia::sqlite_store
