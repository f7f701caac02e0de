// The layout is that of SQLite's documentation (fileformat2): the header of a database says the
// size of its pages at byte 16 and how much of each is reserved at byte 20; a log has a header of
// 32 bytes, and 24 bytes in front of each page, whose last eight are a checksum that continues
// that of the frame before.
#include "base/sqlite_pages.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace ia::sqlite {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read in place");

constexpr const char* kName = "ia-checked";
constexpr int kSetProtected = 0x49410001;
constexpr int kGetProtected = 0x49410002;
constexpr int kPageMin = 512;
constexpr int kHeaderBytes = 24;  // of a database's, as far as it concerns us
constexpr int kLogHeader = 32;
constexpr int kFrameHeader = 24;
constexpr std::uint32_t kLittleLog = 0x377f0682;
constexpr auto kNever = std::numeric_limits<sqlite3_int64>::max();

enum class Protection : std::uint8_t { kUnknown, kNone, kChecked, kBroken };

struct File {
  sqlite3_file base;
  Protection protection;
  bool is_database;
  bool is_log;
  int page_size;
  // A transaction that writes a page again overwrites its frame, and SQLite makes up the checksums
  // from there on at its end only: the writer's own reads in between are not compared.
  sqlite3_int64 rewritten_from;
  sqlite3_int64 header_written_at;  // by the last write, of a frame; -1: it was something else
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }  // NOLINT
};

File& file_of(sqlite3_file* base) { return *reinterpret_cast<File*>(base); }  // NOLINT

template <class... Parameters, class... Arguments>
int call(int (*sqlite3_io_methods::*method)(sqlite3_file*, Parameters...), sqlite3_file* base,
         Arguments... arguments) {
  auto* real = file_of(base).real();
  return (real->pMethods->*method)(real, arguments...);
}

int read_real(File& file, void* to, int bytes, sqlite3_int64 offset) {
  return file.real()->pMethods->xRead(file.real(), to, bytes, offset);
}

std::uint32_t big_endian(const unsigned char* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}

int page_size_in(const unsigned char* header) {
  const int size = header[16] << 8 | header[17];
  return size == 1 ? 65536 : size;
}

std::string_view without_checksum(const void* page, int size) {
  return {static_cast<const char*>(page), static_cast<std::size_t>(size - kPageChecksumBytes)};
}

bool matches(const void* page, int size, std::uint64_t number) {
  const auto body = without_checksum(page, size);
  std::uint64_t stored = 0;
  std::memcpy(&stored, body.data() + body.size(), sizeof stored);
  return stored == page_checksum(body, number);
}

// A header that lost its word about checksums must not turn them off: with that word, in one of
// the two sizes that we use, the first page would match.
bool is_header_broken(File& file) {
  for (const int size : {4096, 16384}) {
    std::vector<unsigned char> page(static_cast<std::size_t>(size));
    if (read_real(file, page.data(), size, 0) != SQLITE_OK) return false;
    page[16] = static_cast<unsigned char>(size >> 8);
    page[17] = 0;
    page[20] = kPageChecksumBytes;
    if (matches(page.data(), size, 1)) return true;
  }
  return false;
}

void learn(File& file, const unsigned char* header) {
  const int size = page_size_in(header);
  const bool has_space = header[20] == kPageChecksumBytes && size >= kPageMin;
  file.protection = has_space ? Protection::kChecked : Protection::kNone;
  file.page_size = size;
}

void learn_from_file(File& file) {
  std::array<unsigned char, kHeaderBytes> header{};
  if (read_real(file, header.data(), kHeaderBytes, 0) != SQLITE_OK) return;
  const bool is_first = file.protection == Protection::kUnknown;
  learn(file, header.data());
  if (is_first && file.protection == Protection::kNone && is_header_broken(file)) {
    file.protection = Protection::kBroken;
  }
}

int read_whole_page(File& file, void* to, sqlite3_int64 offset) {
  const int code = read_real(file, to, file.page_size, offset);
  if (code == SQLITE_IOERR_SHORT_READ) return SQLITE_CORRUPT;
  if (code != SQLITE_OK) return code;
  const auto number = static_cast<std::uint64_t>(offset / file.page_size) + 1;
  return matches(to, file.page_size, number) ? SQLITE_OK : SQLITE_CORRUPT;
}

// SQLite 3.45 and newer read what overflows from a row without its cache, and no more of the last
// page than the row has.
int read_part_of_page(File& file, void* to, int bytes, sqlite3_int64 offset) {
  thread_local std::vector<char> page;
  page.resize(static_cast<std::size_t>(file.page_size));
  const auto within = offset % file.page_size;
  const int code = read_whole_page(file, page.data(), offset - within);
  if (code == SQLITE_OK) std::memcpy(to, page.data() + within, static_cast<std::size_t>(bytes));
  return code;
}

int read_page(File& file, void* to, int bytes, sqlite3_int64 offset) {
  if (file.protection == Protection::kUnknown) learn_from_file(file);
  if (file.protection == Protection::kBroken) return SQLITE_CORRUPT;
  const bool is_empty = file.page_size == 0;  // reserved, and not written yet
  if (file.protection != Protection::kChecked || is_empty) {
    return read_real(file, to, bytes, offset);
  }
  const auto within = offset % file.page_size;
  if (within == 0 && bytes == file.page_size) return read_whole_page(file, to, offset);
  // Of the first page, SQLite reads the header alone, to look whether something changed.
  const bool is_part = offset >= file.page_size && within + bytes <= file.page_size;
  return is_part ? read_part_of_page(file, to, bytes, offset) : read_real(file, to, bytes, offset);
}

int write_page(File& file, const void* from, int bytes, sqlite3_int64 offset) {
  const auto write = [&](const void* page) {
    return file.real()->pMethods->xWrite(file.real(), page, bytes, offset);
  };
  if (bytes < kPageMin || offset % bytes != 0) return write(from);
  if (offset == 0 && !(file.protection == Protection::kChecked && file.page_size == 0)) {
    learn(file, static_cast<const unsigned char*>(from));
  } else if (file.protection != Protection::kChecked) {
    learn_from_file(file);  // another connection may have reserved the space
  }
  if (file.protection != Protection::kChecked) return write(from);
  file.page_size = bytes;
  thread_local std::vector<char> page;
  page.assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
  const auto body = without_checksum(page.data(), bytes);
  const auto sum = page_checksum(body, static_cast<std::uint64_t>(offset / bytes) + 1);
  std::memcpy(page.data() + body.size(), &sum, sizeof sum);
  return write(page.data());
}

struct LogSum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  friend bool operator==(const LogSum&, const LogSum&) = default;
};

LogSum stored_sum(const unsigned char* at) { return {big_endian(at), big_endian(at + 4)}; }

LogSum continued(LogSum sum, std::span<const unsigned char> bytes, bool is_little) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::array<std::uint32_t, 2> words{};
    std::memcpy(words.data(), bytes.data() + i, 8);
    if (!is_little) words = {big_endian(bytes.data() + i), big_endian(bytes.data() + i + 4)};
    sum.first += words[0] + sum.second;
    sum.second += words[1] + sum.first;
  }
  return sum;
}

int read_log(File& file, void* to, int bytes, sqlite3_int64 offset) {
  const int code = read_real(file, to, bytes, offset);
  const auto frame = offset - kFrameHeader;
  const auto stride = bytes + kFrameHeader;
  // Whole frames, header and page, are read by SQLite itself to compare them.
  const bool is_page = bytes >= kPageMin && std::has_single_bit(static_cast<unsigned>(bytes)) &&
                       frame >= kLogHeader && (frame - kLogHeader) % stride == 0;
  if (code != SQLITE_OK || !is_page || frame >= file.rewritten_from) return code;
  std::array<unsigned char, kFrameHeader> header{};
  std::array<unsigned char, 8> before{};
  std::array<unsigned char, 4> magic{};
  const auto sum_before = frame == kLogHeader ? frame - 8 : frame - stride + kFrameHeader - 8;
  for (const auto read : {read_real(file, header.data(), kFrameHeader, frame),
                          read_real(file, before.data(), 8, sum_before),
                          read_real(file, magic.data(), 4, 0)}) {
    if (read != SQLITE_OK) return read;
  }
  const bool is_little = big_endian(magic.data()) == kLittleLog;
  const auto* page = static_cast<const unsigned char*>(to);
  const auto sum = continued(continued(stored_sum(before.data()), std::span(header).first(8),
                                       is_little),
                             {page, static_cast<std::size_t>(bytes)}, is_little);
  return sum == stored_sum(header.data() + kFrameHeader - 8) ? SQLITE_OK : SQLITE_CORRUPT;
}

int on_read(sqlite3_file* base, void* to, int bytes, sqlite3_int64 offset) {
  auto& file = file_of(base);
  if (file.is_database) return read_page(file, to, bytes, offset);
  if (file.is_log) return read_log(file, to, bytes, offset);
  return read_real(file, to, bytes, offset);
}

// Frames are written header first; a page alone overwrites that of an earlier frame, and a header
// alone is a checksum made up.
void watch_log(File& file, int bytes, sqlite3_int64 offset) {
  const auto header_at = std::exchange(file.header_written_at, -1);
  const bool is_page = bytes >= kPageMin;
  if (is_page && header_at != offset - kFrameHeader) {
    file.rewritten_from = std::min(file.rewritten_from, offset - kFrameHeader);
  } else if (!is_page && header_at >= 0) {
    file.rewritten_from = kNever;
  }
  if (bytes == kFrameHeader) file.header_written_at = offset;
  if (offset == 0) file.rewritten_from = kNever;  // the log begins again
}

int on_write(sqlite3_file* base, const void* from, int bytes, sqlite3_int64 offset) {
  auto& file = file_of(base);
  if (file.is_log) watch_log(file, bytes, offset);
  if (file.is_database) return write_page(file, from, bytes, offset);
  return file.real()->pMethods->xWrite(file.real(), from, bytes, offset);
}

int on_control(sqlite3_file* base, int op, void* argument) {
  auto& file = file_of(base);
  if (op == kSetProtected) {
    file.protection = Protection::kChecked;
    file.page_size = 0;
    return SQLITE_OK;
  }
  if (op == kGetProtected) {
    const bool may_change =
        file.protection == Protection::kUnknown || file.protection == Protection::kNone;
    if (may_change) learn_from_file(file);
    *static_cast<int*>(argument) = file.protection == Protection::kChecked ? 1 : 0;
    return SQLITE_OK;
  }
  return file.real()->pMethods->xFileControl(file.real(), op, argument);
}

// Version 2: no pages are mapped into memory, so that all pass through here.
const sqlite3_io_methods kMethods{
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return call(&sqlite3_io_methods::xClose, f); },
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = [](sqlite3_file* f,
                    sqlite3_int64 size) { return call(&sqlite3_io_methods::xTruncate, f, size); },
    .xSync = [](sqlite3_file* f, int flags) { return call(&sqlite3_io_methods::xSync, f, flags); },
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return call(&sqlite3_io_methods::xFileSize, f, size); },
    .xLock = [](sqlite3_file* f, int lock) { return call(&sqlite3_io_methods::xLock, f, lock); },
    .xUnlock = [](sqlite3_file* f,
                  int lock) { return call(&sqlite3_io_methods::xUnlock, f, lock); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* out) {
          return call(&sqlite3_io_methods::xCheckReservedLock, f, out);
        },
    .xFileControl = on_control,
    .xSectorSize = [](sqlite3_file* f) { return call(&sqlite3_io_methods::xSectorSize, f); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return call(&sqlite3_io_methods::xDeviceCharacteristics, f); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
          return call(&sqlite3_io_methods::xShmMap, f, page, size, extend, at);
        },
    .xShmLock =
        [](sqlite3_file* f, int offset, int count, int flags) {
          return call(&sqlite3_io_methods::xShmLock, f, offset, count, flags);
        },
    .xShmBarrier =
        [](sqlite3_file* f) {
          auto* real = file_of(f).real();
          real->pMethods->xShmBarrier(real);
        },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return call(&sqlite3_io_methods::xShmUnmap, f, remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int on_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* base, int flags, int* flags_out) {
  auto& file = file_of(base);
  file = {.base = {.pMethods = nullptr},
          .protection = Protection::kUnknown,
          .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0,
          .is_log = (flags & SQLITE_OPEN_WAL) != 0,
          .page_size = 0,
          .rewritten_from = kNever,
          .header_written_at = -1};
  file.real()->pMethods = nullptr;
  auto* system = sqlite3_vfs_find(nullptr);  // each time: tests put a faulty one in its place
  const int code = system->xOpen(system, name, file.real(), flags, flags_out);
  if (file.real()->pMethods != nullptr) file.base.pMethods = &kMethods;
  return code;
}

sqlite3_vfs* register_checked() {
  const auto* system = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs checked = *system;
  checked.zName = kName;
  checked.szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
  checked.xOpen = on_open;
  sqlite3_vfs_register(&checked, 0);
  return &checked;
}

}  // namespace

const char* checked_vfs() {
  static const auto* const registered = register_checked();
  return registered->zName;
}

void reserve_checksums(sqlite3* db) {
  int bytes = kPageChecksumBytes;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
  sqlite3_int64 size = 0;
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return;
  if (file->pMethods == &kMethods && file->pMethods->xFileSize(file, &size) == SQLITE_OK &&
      size == 0) {
    sqlite3_file_control(db, "main", kSetProtected, nullptr);
  }
}

bool has_checksums(sqlite3* db) {
  int is_protected = 0;
  sqlite3_file_control(db, "main", kGetProtected, &is_protected);
  return is_protected != 0;
}

// Of frames that a transaction wrote and took back, none ends one; those of an earlier round of
// the log have other salts.
bool is_log_damaged(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary);
  std::array<unsigned char, kLogHeader> header{};
  if (!in.read(reinterpret_cast<char*>(header.data()), kLogHeader)) return false;  // NOLINT
  const bool is_little = big_endian(header.data()) == kLittleLog;
  auto before = stored_sum(header.data() + 24);
  if (continued({}, std::span(header).first(24), is_little) != before) return true;
  const std::span salts(header.data() + 16, 8);
  std::vector<unsigned char> frame(kFrameHeader + big_endian(header.data() + 8));
  bool is_behind_damage = false;
  while (in.read(reinterpret_cast<char*>(frame.data()),  // NOLINT
                 static_cast<std::streamsize>(frame.size()))) {
    const auto bytes = std::span<const unsigned char>(frame);
    const auto stored = stored_sum(frame.data() + 16);
    const auto sum = continued(continued(before, bytes.first(8), is_little),
                               bytes.subspan(kFrameHeader), is_little);
    const bool is_of_round = std::ranges::equal(bytes.subspan(8, 4), salts.first(4)) ||
                             std::ranges::equal(bytes.subspan(12, 4), salts.subspan(4));
    const bool is_commit = big_endian(frame.data() + 4) != 0;
    if (sum != stored && is_of_round && is_commit) return true;
    if (sum == stored && is_of_round && is_commit && is_behind_damage) return true;
    is_behind_damage = is_behind_damage || sum != stored;
    before = stored;
  }
  return false;
}

// Four lanes, as one would wait for its multiplications.
std::uint64_t page_checksum(std::string_view page, std::uint64_t number) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  const auto mixed = [](std::uint64_t sum, std::uint64_t word) {
    sum = (sum ^ word) * kFactor;
    return sum ^ (sum >> 32);
  };
  std::array<std::uint64_t, 4> lanes{number, number + 1, number + 2, number + 3};
  std::size_t at = 0;
  for (; at + 32 <= page.size(); at += 32) {
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), page.data() + at, 32);
    for (std::size_t i = 0; i < 4; ++i) lanes[i] = mixed(lanes[i], words[i]);
  }
  for (; at < page.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, page.data() + at, std::min<std::size_t>(8, page.size() - at));
    lanes[0] = mixed(lanes[0], word);
  }
  auto sum = mixed(page.size(), number);
  for (const auto lane : lanes) sum = mixed(sum, lane);
  return sum;
}

}  // namespace ia::sqlite
