#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>

#include "base/printable.h"
#include "base/utf8.h"
#include "base/time_text.h"

namespace ia {
namespace {

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

constexpr std::chrono::minutes kCauseEvery{1};
const SystemClock kSystemClock;

// What a JSON string may not hold, and C1 control characters, as \u and four digits.
void append_json(fmt::memory_buffer& out, std::string_view text) {
  const auto at = std::back_inserter(out);
  while (!text.empty()) {
    const auto length = utf8_bytes(text);
    const auto byte = static_cast<unsigned char>(text.front());
    const bool is_c1 = length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (length == 0) {
      fmt::format_to(at, "\\ufffd");
    } else if (byte < 0x20 || byte == 0x7f || is_c1) {
      fmt::format_to(at, "\\u{:04x}", is_c1 ? static_cast<unsigned char>(text[1]) : byte);
    } else {
      if (byte == '"' || byte == '\\') out.push_back('\\');
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_json_text(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  append_json(out, text);
  out.push_back('"');
}

void append_json_field(fmt::memory_buffer& out, const LogField& field) {
  out.push_back(',');
  append_json_text(out, field.key);
  out.push_back(':');
  if (field.is_number) {
    out.append(field.value);
  } else {
    append_json_text(out, field.value);
  }
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos &&
         printable(text) == text;
}

Log::Writer standard_error() {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("ia", std::move(sink));
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::info);
  return [logger](std::string_view line) {
    logger->info(spdlog::string_view_t(line.data(), line.size()));
  };
}

}  // namespace

Log::Log(LogLevel least, LogFormat format) : Log(least, format, standard_error()) {}

Log::Log(LogLevel least, LogFormat format, Writer writer)
    : least_(least), format_(format), writer_(std::move(writer)) {}

void Log::write(LogLevel level, std::string_view component, std::string_view message,
                std::initializer_list<LogField> fields) {
  if (level < least_) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto name = kLevels[static_cast<std::size_t>(level)];
  fmt::memory_buffer out;
  auto at = std::back_inserter(out);
  if (format_ == LogFormat::kJson) {
    fmt::format_to(at, R"({{"ts":"{}","level":"{}","component":)", timestamp_text(now), name);
    append_json_text(out, component);
    fmt::format_to(at, R"(,"msg":)");
    append_json_text(out, message);
    for (const auto& field : fields) append_json_field(out, field);
    out.push_back('}');
  } else {
    fmt::format_to(at, "{} {:5} {}: {}", clock_text(now), name, component, printable(message));
    for (const auto& field : fields) {
      fmt::format_to(at, " {}={}", field.key,
                     is_plain(field.value) ? field.value : printable_quoted(field.value));
    }
  }
  writer_(std::string_view(out.data(), out.size()));
}

StateLog::StateLog(Log& log, std::string component)
    : StateLog(log, std::move(component), kSystemClock) {}

StateLog::StateLog(Log& log, std::string component, const Clock& clock)
    : log_(log), component_(std::move(component)), clock_(clock) {}

bool StateLog::failing(std::string_view message, std::string cause) {
  const std::scoped_lock lock(mutex_);
  const bool begins = !failing_.exchange(true);
  auto says = fmt::format("{}\n{}", message, cause);
  const bool is_news = says != said_ && clock_.mono() - said_at_ >= kCauseEvery;
  if (!begins && !is_news) return false;
  said_ = std::move(says);
  said_at_ = clock_.mono();
  log_.warning(component_, message, {{"cause", std::move(cause)}});
  return begins;
}

bool StateLog::recovered(std::string_view message) {
  if (!failing_) return false;
  const std::scoped_lock lock(mutex_);
  if (!failing_.exchange(false)) return false;
  log_.info(component_, message);
  return true;
}

}  // namespace ia
