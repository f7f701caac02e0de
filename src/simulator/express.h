#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ia {

// Targets and parameters as Express 4 and JavaScript read them.

bool same_letters(std::string_view a, std::string_view b);  // ASCII case ignored

// Of a target that may be absolute.
std::string_view path_of(std::string_view target);
std::string_view query_of(std::string_view target);  // without the question mark

// What stands for :pk in /api/v1/influencers/:pk, in any case, with or without a slash behind.
std::optional<std::string_view> segment_of(std::string_view path);
// Nothing when a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);
// What unary plus makes of a text, when that is a whole number: 1e6, 0xF4241, " 7 ", +7, 7.0.
std::optional<std::uint64_t> javascript_number(std::string_view text);
std::string html_escaped(std::string_view text);

}  // namespace ia
