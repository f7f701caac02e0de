#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ia {

// Real numbers in answers: rounded to 4 decimals, below 1 to 8, at least one ("43.0468", "2.0",
// "0.00003125"); from 10^14 on the shortest form that reads back as the same number.
// `to` has room for kDecimalBytesMax; returns the end.
inline constexpr std::size_t kDecimalBytesMax = 32;
char* write_decimal(char* to, double value);
// `to` has room for 20 bytes.
char* write_integer(char* to, std::int64_t value);

// Appends JSON to a string: the caller names members and opens and closes, the writer puts commas.
// Strings are escaped; bytes that are not UTF-8 become U+FFFD, so the output always is.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void text(std::string_view value);
  void integer(std::int64_t value);
  void decimal(double value);
  void boolean(bool value);
  void null();
  void time(WallTime value);

  void member(std::string_view name, std::string_view value) { key(name), text(value); }
  void member(std::string_view name, const char* value) { key(name), text(value); }
  void member(std::string_view name, bool value) { key(name), boolean(value); }
  void member(std::string_view name, double value) { key(name), decimal(value); }
  void member(std::string_view name, WallTime value) { key(name), time(value); }
  void member(std::string_view name, std::nullopt_t) { key(name), null(); }
  template <std::integral T>
  void member(std::string_view name, T value) {
    key(name), integer(static_cast<std::int64_t>(value));
  }
  template <class T>
  void member(std::string_view name, const std::optional<T>& value) {
    if (value) {
      member(name, *value);
    } else {
      key(name), null();
    }
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void begin_value();

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace ia
