#pragma once

#include <string>
#include <string_view>

namespace ia {

// Text that came from elsewhere (a file, an argument, a reply), fit for a terminal and for one
// line of it: control characters, characters without a width of their own (byte order marks, marks
// of direction, joiners) and bytes that are not UTF-8 are written out: \n, \x1b, \u{feff}, \xff.
// A backslash stays as it is.
std::string printable(std::string_view text);

// The same for several lines: line feeds stay.
std::string printable_lines(std::string_view text);

// The same in double quotes, with quotes and backslashes inside escaped.
std::string printable_quoted(std::string_view text);

// Printable ASCII alone: every other byte is written out as a control character is.
std::string printable_ascii(std::string_view text);

// At most 64 characters of what a client sent, fit to be shown: printable ASCII without quotes
// and backslashes, everything else as \xNN; "..." at the end when something was cut off.
std::string excerpt(std::string_view text);

}  // namespace ia
