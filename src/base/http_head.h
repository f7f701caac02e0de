#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ia::http1 {

// The head of an HTTP/1.x message, as RFC 9110 and RFC 9112 have it: what the lane, the server and
// the simulated network read alike, whichever libraries the program is built with. Strict: lines
// end in CR LF, a name is a token, values have no control characters. Nothing is copied: the views
// point into the bytes that were given. No locks: free functions and values.

enum class HeadState : std::uint8_t { kPartial, kWhole, kMalformed, kTooLarge };

struct HeadScan {
  HeadState state = HeadState::kPartial;
  std::size_t size = 0;  // of a whole head, with the empty line that ends it
};

// Looks for the end of the head at the front of `bytes`. A head of more than `limit` bytes is too
// large, and malformed as soon as a line feed without a carriage return has come.
HeadScan scan_head(std::string_view bytes, std::size_t limit);

struct RequestLine {
  std::string_view method;  // any token
  std::string_view target;  // visible characters or bytes above 0x7f, at least one
  int minor_version = 1;    // 0 to 9: what is above 1 is to be treated as 1 (RFC 9110, 2.5)
};

struct StatusLine {
  unsigned status = 0;    // 100 to 999
  int minor_version = 1;  // 0 or 1, which later ones are read as (RFC 9110, section 2.5)
};

// The first line, without its CR LF.
std::optional<RequestLine> parse_request_line(std::string_view line);
// True if a line that is no request line of HTTP/1 ends in the name of another version, such as
// HTTP/2.0.
bool has_other_version(std::string_view line);
std::optional<StatusLine> parse_status_line(std::string_view line);

struct Field {
  std::string_view name;
  std::string_view value;  // without the blanks around it
};

// Walks over the fields of a whole head.
class FieldReader {
 public:
  // The first line of a head and the rest of it: the fields, each with its CR LF, and the empty
  // line.
  static std::string_view first_line(std::string_view head);
  static std::string_view fields_of(std::string_view head);

  explicit FieldReader(std::string_view fields) : rest_(fields) {}
  // The next field. None behind the last one, and when a field is malformed or folded.
  std::optional<Field> next();
  // False when `next` has met a field that is malformed or folded.
  bool is_sound() const { return is_sound_; }

 private:
  std::string_view rest_;
  bool is_sound_ = true;
};

// True if a line of `fields` begins with a blank, which continues the line before (obsolete).
bool has_folded_field(std::string_view fields);

// Removes the element at the front of a list whose elements are separated by commas, and returns it
// without the blanks around it.
std::string_view take_element(std::string_view& list);

bool is_token(std::string_view text);
// Letters are compared whatever their case; `lower` has none in upper case.
bool equals(std::string_view text, std::string_view lower);

// How a message's body ends and whether its connection goes on.
class Framing {
 public:
  // Called for every field. False if the field is malformed or contradicts an earlier one: then
  // the end of the message cannot be known.
  bool take(const Field& field);
  // False if the connection closes behind this message.
  bool keeps_connection(int minor_version) const;

  std::optional<std::uint64_t> length;
  bool is_encoded = false;  // has Transfer-Encoding
  bool is_chunked = false;  // and it ends in "chunked"
  // The body's bytes are what was meant, but for the chunks.
  bool is_plain() const { return !has_other_coding_; }

 private:
  bool take_length(std::string_view value);
  bool take_connection(std::string_view value);
  bool take_encoding(std::string_view value);

  bool has_other_coding_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
};

}  // namespace ia::http1
