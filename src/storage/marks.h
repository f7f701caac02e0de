#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/schedule.h"

// The file store.damage: the damage that reads have met, one line per place, so that a later
// process knows of it without reading everything. docs/formats.md, Embedded store.
namespace ia::sqlite_store {

struct DamageMark {
  MinuteRange minutes;
  std::string place;  // one line of printable text
};

// Appends a line, whole or not at all. A file that cannot be written is left alone: the log has
// the place, too.
void append_mark(const std::filesystem::path& file, const DamageMark& mark);

// The places of the file in the order they were met, each once; lines that are no mark are left
// out. Empty where there is no file.
std::vector<DamageMark> read_marks(const std::filesystem::path& file);

}  // namespace ia::sqlite_store
