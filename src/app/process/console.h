#pragma once

#include <string>
#include <string_view>

#include "app/config/config.h"
#include "base/error.h"
#include "base/log.h"

namespace ia {

// What commands say to their user. Foreign text is made printable (base/printable.h) but for its
// line feeds. Nothing here throws: standard output may be closed or full. Safe from any thread.

// To standard output, at once.
void say_text(std::string_view text);
// The same with a line feed.
void say(std::string_view line);
// True once a write found that nothing reads standard output any more: its pipe or terminal is
// gone.
bool is_standard_output_gone();

// A remark beside the result: a line on standard error, or of the log where that is JSON.
void remark(const std::string& line, const Config& config, Log& log);
// Why a command failed, in the same way. Returns the exit code.
int report_failure(const Error& error, const Config& config, Log& log);

// Asks on the terminal; true for the answer "yes". False, and nothing asked, without one.
bool is_confirmed_by_user(const std::string& question);
bool has_terminal();

// Opens /dev/null for each of the three standard streams that is closed: else the next file that is
// opened, such as a database, takes its place and gets what is printed. Call it first of all.
void open_standard_streams();

}  // namespace ia
