#include "app/process/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "app/config/cli.h"
#include "base/printable.h"

namespace ia {
namespace {

std::atomic<bool> is_gone = false;

void write_error(const std::string& text) { std::fputs(text.c_str(), stderr); }

}  // namespace

void say_text(std::string_view text) {
  const auto shown = printable_lines(text);
  errno = 0;
  const bool is_written = std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() &&
                          std::fflush(stdout) == 0;
  if (!is_written && (errno == EPIPE || errno == EIO || errno == EBADF)) is_gone = true;
}

void say(std::string_view line) { say_text(std::string(line) + "\n"); }

bool is_standard_output_gone() { return is_gone; }

void remark(const std::string& line, const Config& config, Log& log) {
  if (config.log_format == LogFormat::kJson) {
    log.info("main", line);
  } else {
    write_error(printable(line) + "\n");
  }
}

int report_failure(const Error& error, const Config& config, Log& log) {
  if (config.log_format == LogFormat::kJson) {
    log.error("main", error.message);
  } else {
    write_error("influencer-analytics: " + printable(error.message) + "\n");
  }
  return kExitFailure;
}

bool has_terminal() { return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0; }

bool is_confirmed_by_user(const std::string& question) {
  if (!has_terminal()) return false;
  write_error(question + " Type yes to go on: ");
  std::array<char, 16> answer{};
  const bool is_answered = std::fgets(answer.data(), answer.size(), stdin) != nullptr;
  return is_answered && std::string_view(answer.data()) == "yes\n";
}

void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free one, which is this.
    const int flags = descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY;
    if (open("/dev/null", flags) < 0) return;
  }
}

}  // namespace ia
