#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <iterator>
#include <memory>

#include "base/time_text.h"

namespace ia {
namespace {

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

constexpr std::chrono::minutes kCauseEvery{1};
const SystemClock kSystemClock;

void append_escaped(fmt::memory_buffer& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
}

void append_quoted(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  append_escaped(out, text);
  out.push_back('"');
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos;
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
    append_quoted(out, component);
    fmt::format_to(at, R"(,"msg":)");
    append_quoted(out, message);
    for (const auto& field : fields) {
      out.push_back(',');
      append_quoted(out, field.key);
      out.push_back(':');
      append_quoted(out, field.value);
    }
    out.push_back('}');
  } else {
    fmt::format_to(at, "{} {:5} {}: ", clock_text(now), name, component);
    append_escaped(out, message);
    for (const auto& field : fields) {
      fmt::format_to(at, " {}=", field.key);
      if (is_plain(field.value)) {
        append_escaped(out, field.value);
      } else {
        append_quoted(out, field.value);
      }
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
