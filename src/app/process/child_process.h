#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"

namespace ia {

struct ChildOrder {
  std::vector<std::string> arguments;    // after the program's name
  std::vector<std::string> environment;  // "NAME=value", over this process's own
  bool speaks = false;                   // its standard output is for next_line, else for nobody
};

// This program once more, as a process of its own that shares nothing with this one but standard
// error. It is killed at the end of the scope, and by the kernel when the thread that started it
// ends in any way. One thread.
class ChildProcess {
 public:
  static Result<ChildProcess> start(const ChildOrder& order);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // The next line that it says: kUnavailable when none comes in time.
  Result<std::string> next_line(std::chrono::milliseconds wait);
  // What it has used so far, kernel's time included; to a hundredth of a second.
  std::chrono::microseconds cpu() const;
  bool has_ended();

  void ask_to_stop();
  // True when it ended by then, with exit code 0.
  bool wait(std::chrono::milliseconds most);

 private:
  ChildProcess(pid_t pid, int output) : pid_(pid), output_(output) {}
  bool reap(bool blocking);

  pid_t pid_ = -1;  // -1: moved from
  int output_ = -1;
  bool has_ended_ = false;
  int status_ = 0;
};

}  // namespace ia
