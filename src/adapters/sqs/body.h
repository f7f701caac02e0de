#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ia {

// SQS carries text of some Unicode characters, never empty. A body that is such text travels as it
// is, so that people and other programs can read it. Any other one (a point batch is binary)
// travels as "base64:" and its bytes in base64, four characters for three bytes; so does text that
// begins with "base64:" itself.
std::string sqs_encode_body(std::string_view body);

// The inverse. What no sqs_encode_body wrote is passed through: messages of others.
std::string sqs_decode_body(std::string_view text);

// Whether all of it is UTF-8 of characters that SQS takes everywhere: tab, line ends, U+0020 to
// U+D7FF, U+E000 to U+FFFD.
bool is_sqs_text(std::string_view text);

// Whether `md5`, in hexadecimal digits, is that of the text; true for an empty one, and where there
// is no MD5 to be had (FIPS).
bool is_md5_of(std::string_view md5, std::string_view text);

// For people: what SQS does not take becomes "?", at most `bytes_max` bytes, never empty.
std::string sqs_clean_text(std::string_view text, std::size_t bytes_max);

}  // namespace ia
