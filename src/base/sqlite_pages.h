#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

struct sqlite3;

// Checksums of SQLite's pages, which SQLite has not by itself: a VFS between SQLite and the
// system's that writes eight bytes at the end of each page (the space is reserved in the file's
// header) and compares them whenever a page is read. The frames of a write-ahead log have SQLite's
// own checksums, which SQLite compares only when it recovers a log; here every read of one does.
// Any SQLite reads such files; writing to one with another program leaves stale checksums.
//
// A page that does not match fails the read with SQLITE_CORRUPT, as does one that a cut file has
// lost. No I/O error, as those end the transaction. Files without the space for checksums are read
// and written as they are.
namespace ia::sqlite {

inline constexpr int kPageChecksumBytes = 8;

// The name of the VFS; registered by the first call. Safe from any thread.
const char* checked_vfs();

// Of a file without a page yet: its pages will carry checksums. Of others: from the next VACUUM on.
void reserve_checksums(sqlite3* db);
// True when the pages of the main file carry checksums.
bool has_checksums(sqlite3* db);

// True when a write-ahead log has whole transactions behind a damaged frame: SQLite ends its
// recovery there, without a word. A power cut in the middle of a commit may look the same. Reads
// all of the log.
bool is_log_damaged(const std::filesystem::path& log);

// Of a page without its last eight bytes. Any change within eight neighbouring bytes changes it.
std::uint64_t page_checksum(std::string_view page, std::uint64_t number);

}  // namespace ia::sqlite
