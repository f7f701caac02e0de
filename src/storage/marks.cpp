#include "storage/marks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/printable.h"
#include "storage/damage.h"
#include "storage/embedded_store.h"
#include "storage/segment.h"
#include "storage/tables.h"

namespace ia {
namespace sqlite_store {
namespace {

constexpr std::int64_t kMinuteMax = std::int64_t{1} << 32;  // the year 10136

}  // namespace

void append_mark(const std::filesystem::path& file, const DamageMark& mark) {
  const auto line = std::to_string(to_number(mark.minutes.begin)) + " " +
                    std::to_string(to_number(mark.minutes.end)) + " " + printable(mark.place) +
                    "\n";
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
  ::close(fd);
}

std::vector<DamageMark> read_marks(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<DamageMark> marks;
  std::set<std::string> known;
  for (std::string line; std::getline(in, line);) {
    std::istringstream text(line);
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::string place;
    const bool is_mark = (text >> begin >> end >> std::ws) && std::getline(text, place);
    if (!is_mark || begin < 0 || begin >= end || end > kMinuteMax) continue;
    if (!known.insert(place).second) continue;
    marks.push_back({{minute_at(begin), minute_at(end)}, printable(place)});
  }
  return marks;
}

namespace {

void add(KnownDamage& damage, MinuteRange minutes, std::string place) {
  add_range(damage.ranges, minutes);
  damage.places.push_back(std::move(place));
}

// Returns the files that cannot be opened.
std::set<std::string> add_segments(const Files& files, const std::vector<SegmentInfo>& segments,
                                   KnownDamage& damage) {
  std::set<std::string> damaged;
  for (const auto& info : segments) {
    const auto opened = SegmentReader::open(files, info);
    if (opened) continue;
    add(damage, info.range, opened.error().message);
    damaged.insert(printable(files.segment(info.name).string()));
  }
  return damaged;
}

// Those of minutes that retention has removed concern nothing that is stored.
void add_marks(const Files& files, Minute horizon, const std::set<std::string>& told,
               KnownDamage& damage) {
  for (auto& [minutes, place] : read_marks(files.damage_marks())) {
    if (minutes.end <= horizon || told.contains(place)) continue;
    add(damage, minutes, "reads have met damage: " + place);
  }
}

// Rows that cannot be read lie between the ones that can.
Status add_minutes(sqlite::Connection& db, Minute horizon, KnownDamage& damage) {
  auto select = db.prepare("SELECT minute, last_retrieved_ms FROM minute WHERE minute > ?1");
  if (!select) return std::unexpected(select.error());
  std::int64_t last = -1;
  select->bind(1, last);
  while (true) {
    const auto row = select->step();
    if (row && !*row) return {};
    if (row) {
      last = select->integer(0);
      continue;
    }
    if (row.error().code != Errc::kCorrupt) return std::unexpected(row.error());
    const auto after = next_whole(db, "minute", last);
    if (!after) return std::unexpected(after.error());
    const auto begin = std::max(minute_at(last + 1), horizon);
    const auto end = *after ? minute_at(**after) : begin + std::chrono::minutes{1};
    add(damage, {begin, end}, db.file().string() + ": accounts of minutes cannot be read");
    if (!*after) return {};
    last = **after - 1;
    select->bind(1, last);
  }
}

void add_quarantined(const Files& files, KnownDamage& damage) {
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(files.quarantine(), error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    damage.places.push_back(printable(at->path().string()) + ": moved there, as it was damaged");
  }
}

}  // namespace
}  // namespace sqlite_store

Result<KnownDamage> known_damage(const std::filesystem::path& directory) {
  using namespace sqlite_store;
  const Files files(directory);
  if (auto there = check_for_reading(files); !there) return std::unexpected(there.error());
  auto db = open_database(files, sqlite::Access::kRead, 1024);
  if (!db) return std::unexpected(db.error());
  const auto state = read_state(*db);
  if (!state) return std::unexpected(state.error());
  const auto segments = read_segments(*db, kAllMinutes);
  if (!segments) return std::unexpected(segments.error());
  KnownDamage damage;
  const auto told = add_segments(files, *segments, damage);
  const auto added = add_minutes(*db, state->horizon, damage);
  if (!added) return std::unexpected(added.error());
  add_marks(files, state->horizon, told, damage);
  add_quarantined(files, damage);
  return damage;
}

}  // namespace ia
