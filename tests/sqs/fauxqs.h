#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"

namespace ia {

// The SQS server of the tests as a process of its own, in a time that stands still.
class Fauxqs {
 public:
  // A reason why it cannot be run here; say it loudly.
  static std::optional<std::string> why_not();

  Fauxqs();
  ~Fauxqs();

  std::string url() const;
  WallTime started_at() const;
  void advance(std::chrono::milliseconds time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
