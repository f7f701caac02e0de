#include "sqs_server.h"

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
const std::filesystem::path kElasticMqBuild = IA_ELASTICMQ_BUILD;

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, FileCloser>;

}  // namespace

struct SqsServer::State {
  pid_t pid = -1;
  File to;
  File from;
  int port = 0;
  WallTime started_at{};

  std::string line() {
    char text[256] = "";
    if (std::fgets(text, sizeof text, from.get()) == nullptr) {
      throw std::runtime_error("the SQS server ended, or did not start: see above");
    }
    return text;
  }
};

SqsServer::SqsServer(const std::vector<std::string>& command) : state_(std::make_unique<State>()) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe");
  state_->pid = fork();
  if (state_->pid == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  state_->to.reset(fdopen(input[1], "w"));
  state_->from.reset(fdopen(output[0], "r"));
  long long time = 0;
  if (std::sscanf(state_->line().c_str(), "listening %d %lld", &state_->port, &time) != 2) {
    throw std::runtime_error("the SQS server did not say where it listens");
  }
  state_->started_at = WallTime{std::chrono::milliseconds{time}};
}

SqsServer::~SqsServer() {
  state_->to.reset();
  int status = 0;
  waitpid(state_->pid, &status, 0);
}

std::string SqsServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }
WallTime SqsServer::started_at() const { return state_->started_at; }

void SqsServer::advance(std::chrono::milliseconds time) {
  std::fprintf(state_->to.get(), "advance %lld\n", static_cast<long long>(time.count()));
  std::fflush(state_->to.get());
  if (state_->line() != "ok\n") throw std::runtime_error("the SQS server did not say ok");
}

std::optional<std::string> Fauxqs::why_not() {
  std::string reason;
  if (std::ifstream missing(kBuild / "node_missing.txt"); std::getline(missing, reason)) {
    return reason;
  }
  if (std::filesystem::exists(kModules / "installed.lock")) return std::nullopt;
  return "fauxqs is not installed: run the test node.install first, as ctest does";
}

Fauxqs::Fauxqs() : SqsServer({kNode, kLauncher, kModules}) {}

std::optional<std::string> ElasticMq::why_not() {
  if (std::filesystem::exists(kElasticMqBuild / "installed.xml")) return std::nullopt;
  return "ElasticMQ is not installed: see what the test elasticmq.install says";
}

SqsServer& ElasticMq::server() {
  static SqsServer server({IA_PYTHON, IA_ELASTICMQ_LAUNCHER, kElasticMqBuild / "jars",
                           IA_CLOCK_SHIM});
  return server;
}

void ElasticMq::advance(std::chrono::milliseconds time) {
  server().advance(time);
  passed_ += time;
}

WallTime ElasticMq::started_at() const { return server().started_at() + passed_; }

}  // namespace ia
