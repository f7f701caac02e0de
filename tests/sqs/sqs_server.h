#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ia {

// An SQS server of the tests: a process of its own, in a time that passes only when told. It says
// where it listens and takes orders as fauxqs.mjs describes.
class SqsServer {
 public:
  explicit SqsServer(const std::vector<std::string>& command);
  ~SqsServer();

  std::string url() const;
  WallTime started_at() const;
  void advance(std::chrono::milliseconds time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Fauxqs : public SqsServer {
 public:
  static constexpr bool kDeliversAtOnce = true;
  // A reason why it cannot be run here; say it loudly.
  static std::optional<std::string> why_not();
  Fauxqs();
};

// ElasticMQ, in a time that moves by whole seconds. All tests of a process share one, as a Java
// machine is slow to start: each starts at the time at which the last one ended.
class ElasticMq {
 public:
  static constexpr bool kDeliversAtOnce = false;
  static std::optional<std::string> why_not();

  std::string url() const { return server().url(); }
  WallTime started_at() const;
  void advance(std::chrono::milliseconds time);

 private:
  static SqsServer& server();
  static inline std::chrono::milliseconds passed_{0};
};

}  // namespace ia
