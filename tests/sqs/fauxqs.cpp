#include "fauxqs.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace ia {
namespace {

const std::filesystem::path kBuild = IA_NODE_BUILD;
const auto kModules = kBuild / "node_modules";
const auto kNode = kModules / ".bin" / "node";
const std::filesystem::path kLauncher = IA_FAUXQS_LAUNCHER;

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, FileCloser>;

}  // namespace

std::optional<std::string> Fauxqs::why_not() {
  std::string reason;
  if (std::ifstream missing(kBuild / "node_missing.txt"); std::getline(missing, reason)) {
    return reason;
  }
  if (std::filesystem::exists(kModules / "installed.lock")) return std::nullopt;
  return "fauxqs is not installed: run the test node.install first, as ctest does";
}

struct Fauxqs::State {
  pid_t pid = -1;
  File to;
  File from;
  int port = 0;
  WallTime started_at{};

  std::string line() {
    char text[256] = "";
    if (std::fgets(text, sizeof text, from.get()) == nullptr) {
      throw std::runtime_error("fauxqs ended, or did not start: see above");
    }
    return text;
  }
};

Fauxqs::Fauxqs() : state_(std::make_unique<State>()) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe");
  state_->pid = fork();
  if (state_->pid == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execl(kNode.c_str(), "node", kLauncher.c_str(), kModules.c_str(), nullptr);
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  state_->to.reset(fdopen(input[1], "w"));
  state_->from.reset(fdopen(output[0], "r"));
  long long time = 0;
  if (std::sscanf(state_->line().c_str(), "listening %d %lld", &state_->port, &time) != 2) {
    throw std::runtime_error("fauxqs said something else than where it listens");
  }
  state_->started_at = WallTime{std::chrono::milliseconds{time}};
}

Fauxqs::~Fauxqs() {
  state_->to.reset();
  int status = 0;
  waitpid(state_->pid, &status, 0);
}

std::string Fauxqs::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }
WallTime Fauxqs::started_at() const { return state_->started_at; }

void Fauxqs::advance(std::chrono::milliseconds time) {
  std::fprintf(state_->to.get(), "advance %lld\n", static_cast<long long>(time.count()));
  std::fflush(state_->to.get());
  if (state_->line() != "ok\n") throw std::runtime_error("fauxqs did not say ok");
}

}  // namespace ia
