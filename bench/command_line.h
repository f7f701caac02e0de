#pragma once

// What the benches' mains share.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace ia::bench {

// Ends the program when there is none.
template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, result.error().message.c_str());
  std::exit(1);
}

inline void check(const Status& status) {
  if (!status) value_of<int>(std::unexpected(status.error()));
}

// Returns false if the text is not a whole number of at least 1, and nothing else.
template <class Number>
bool take_number(std::string_view text, Number& target) {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, target);
  return error == std::errc{} && stop == end && target >= 1;
}

}  // namespace ia::bench
