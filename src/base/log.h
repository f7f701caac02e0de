#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace ia {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

// Text or a number: JSON has no quotes around the latter.
struct LogField {
  LogField(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  template <std::integral Number>
  LogField(std::string_view name, Number number)
      : key(name), value(std::to_string(number)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number = false;
};

// One line per event, on standard error: "12:04:05 warn  fetcher: message key=value", or a JSON
// object with ts, level, component, msg and the fields. What a terminal would obey, or a reader
// would not see, is written out (printable.h), so a line stays a line; in JSON bytes that are not
// UTF-8 become U+FFFD. Log changes of state, not each event: what is frequent is a metric. Safe to
// call from any thread.
class Log {
 public:
  using Writer = std::function<void(std::string_view line)>;

  Log(LogLevel least, LogFormat format);
  // For tests: lines go to `writer`.
  Log(LogLevel least, LogFormat format, Writer writer);

  void write(LogLevel level, std::string_view component, std::string_view message,
             std::initializer_list<LogField> fields = {});

  void info(std::string_view component, std::string_view message,
            std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kInfo, component, message, fields);
  }
  void warning(std::string_view component, std::string_view message,
               std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kWarning, component, message, fields);
  }
  void error(std::string_view component, std::string_view message,
             std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kError, component, message, fields);
  }

 private:
  LogLevel least_;
  LogFormat format_;
  Writer writer_;
};

// Logs once when a condition starts and once when it clears, however often it is reported. While
// it lasts, another cause is logged too, at most once per minute. Safe to call from any thread.
class StateLog {
 public:
  StateLog(Log& log, std::string component);
  // The clock, which must outlive this, measures the minute.
  StateLog(Log& log, std::string component, const Clock& clock);
  // True when this began the condition.
  bool failing(std::string_view message, std::string cause);
  bool recovered(std::string_view message);
  bool is_failing() const { return failing_; }

 private:
  Log& log_;
  std::string component_;
  const Clock& clock_;
  std::atomic<bool> failing_ = false;
  std::mutex mutex_;  // over the rest
  std::string said_;  // the message and cause logged last
  MonoTime said_at_{};
};

}  // namespace ia
