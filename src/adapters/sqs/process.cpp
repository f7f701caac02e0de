#include "adapters/sqs/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace ia {
namespace {

constexpr std::size_t kOutputBytesMax = 64 * 1024;

// The shell, in a process group of its own so that all it started can be ended.
class Child {
 public:
  static Result<Child> start(const std::string& command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::kUnavailable, std::strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::string shell = "sh";
    std::string flag = "-c";
    std::string text = command;
    std::array<char*, 4> arguments = {shell.data(), flag.data(), text.data(), nullptr};
    pid_t pid = -1;
    const auto code =
        posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    if (code != 0) {
      close(ends[0]);
      return fail(Errc::kUnavailable, std::strerror(code));
    }
    return Child(pid, ends[0]);
  }

  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (output_ >= 0) close(output_);
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // False when it did not end in time.
  bool read_all(std::string& text, std::chrono::milliseconds timeout) const {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::array<char, 4096> buffer;
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
      const auto count = poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      const auto size = read(output_, buffer.data(), buffer.size());
      if (size <= 0) return true;
      text.append(buffer.data(), static_cast<std::size_t>(size));
      if (text.size() > kOutputBytesMax) return true;
    }
  }

  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  pid_t pid_;
  int output_;
};

}  // namespace

Result<std::string> output_of_command(const std::string& command,
                                      std::chrono::milliseconds timeout) {
  auto child = Child::start(command);
  if (!child) return std::unexpected(child.error());
  std::string text;
  if (!child->read_all(text, timeout)) {
    return fail(Errc::kInvalid,
                "did not end within " + std::to_string(timeout.count()) + " ms and was killed");
  }
  if (text.size() > kOutputBytesMax) return fail(Errc::kInvalid, "wrote more than 64 KiB");
  const auto status = child->wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  if (WIFEXITED(status)) {
    return fail(Errc::kInvalid, "failed with status " + std::to_string(WEXITSTATUS(status)));
  }
  return fail(Errc::kInvalid, "was ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace ia
