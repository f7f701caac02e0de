#include "app/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

#include "app/process/text_file.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kThisProgram = "/proc/self/exe";
constexpr int kCannotStart = 127;
constexpr milliseconds kLook{20};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string name_in(const std::string& entry) { return entry.substr(0, entry.find('=') + 1); }

std::vector<std::string> merged_environment(const std::vector<std::string>& over) {
  auto merged = over;
  for (auto* entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool is_given = false;
    for (const auto& own : over) is_given = is_given || text.starts_with(name_in(own));
    if (!is_given) merged.push_back(text);
  }
  return merged;
}

// After fork: only what is safe there.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotStart);  // it died before it could be watched
  dup2(output, STDOUT_FILENO);
  execve(kThisProgram, arguments, environment);
  _exit(kCannotStart);
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildOrder& order) {
  std::vector<std::string> arguments{"influencer-analytics"};
  arguments.insert(arguments.end(), order.arguments.begin(), order.arguments.end());
  auto environment = merged_environment(order.environment);
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  int ends[2] = {-1, -1};
  if (order.speaks) {
    if (pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::kUnavailable, "no pipe to a new process");
  } else {
    ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
  }
  const auto parent = getpid();
  const auto pid = fork();
  if (pid == 0) become(argument_pointers.data(), environment_pointers.data(), ends[1], parent);
  const int error = errno;
  close(ends[1]);
  if (pid > 0) return ChildProcess(pid, ends[0]);
  if (ends[0] >= 0) close(ends[0]);
  return fail(Errc::kUnavailable, std::string("cannot start a process: ") + std::strerror(error));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      has_ended_(other.has_ended_),
      status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (output_ >= 0) close(output_);
  if (pid_ < 0 || has_ended()) return;
  kill(pid_, SIGKILL);
  reap(true);
}

bool ChildProcess::reap(bool blocking) {
  if (has_ended_) return true;
  has_ended_ = waitpid(pid_, &status_, blocking ? 0 : WNOHANG) == pid_;
  return has_ended_;
}

bool ChildProcess::has_ended() { return reap(false); }

Result<std::string> ChildProcess::next_line(milliseconds wait) {
  const auto end = SteadyClock::now() + wait;
  std::string line;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(end - SteadyClock::now());
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) <= 0) break;
    char next = 0;
    if (read(output_, &next, 1) != 1) break;
    if (next == '\n') return line;
    line += next;
  }
  return fail(Errc::kUnavailable, "a process that was started did not say that it is ready");
}

std::chrono::microseconds ChildProcess::cpu() const {
  const auto text = read_text_file("/proc/" + std::to_string(pid_) + "/stat").value_or("");
  const auto name_end = text.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::microseconds{(user + system) * 1'000'000 / sysconf(_SC_CLK_TCK)};
}

void ChildProcess::ask_to_stop() {
  if (!has_ended()) kill(pid_, SIGTERM);
}

bool ChildProcess::wait(milliseconds most) {
  const auto end = SteadyClock::now() + most;
  while (!has_ended() && SteadyClock::now() < end) std::this_thread::sleep_for(kLook);
  return has_ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

}  // namespace ia
