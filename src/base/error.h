#pragma once

#include <expected>
#include <string>
#include <utility>

namespace ia {

// What the caller should do next.
enum class Errc {
  kInvalid,      // The request is wrong: do not retry, tell whoever made it.
  kNotFound,     // It does not exist: a normal answer.
  kUnavailable,  // Not now: retry with back-off. The effect may or may not have happened.
  kOverloaded,   // Too much: slow down, then retry.
  kCorrupt,      // Stored bytes are damaged: stop and alert.
  kCancelled,    // The program is stopping: unwind.
};

const char* name_of(Errc code);

// The message says what failed, where and why, and for people what to do about it.
struct Error {
  Errc code;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// Adds "context: " in front, once, at a boundary between layers.
inline std::unexpected<Error> fail(const std::string& context, const Error& cause) {
  return std::unexpected(Error{cause.code, context + ": " + cause.message});
}

}  // namespace ia
