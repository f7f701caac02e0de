#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "ports/judge.h"

namespace ia {

// The Judge port by a script: every call is answered at the next take, unless it is held.
class ScriptedJudge final : public Judge {
 public:
  using Script = std::function<Result<bool>(const Suspect&)>;
  ScriptedJudge(const Clock& clock, Script script) : clock_(clock), script_(std::move(script)) {}

  void ask(Suspect suspect) override {
    asked.push_back(suspect);
    open_.push_back(std::move(suspect));
  }
  std::vector<Ruling> take(std::chrono::milliseconds) override {
    std::vector<Ruling> rulings;
    for (; !is_held && !open_.empty(); open_.pop_front()) {
      auto& suspect = open_.front();
      auto said = script_(suspect);
      rulings.push_back({.suspect = std::move(suspect),
                         .at = clock_.wall(),
                         .took = std::chrono::seconds{2},
                         .retry_after = retry_after,
                         .suspicious = std::move(said)});
    }
    return rulings;
  }
  std::size_t in_flight() const override { return open_.size(); }
  void cancel() override { open_.clear(); }

  std::vector<Suspect> asked;  // all that ever were
  bool is_held = false;        // calls stay under way
  std::chrono::seconds retry_after{0};

 private:
  const Clock& clock_;
  Script script_;
  std::deque<Suspect> open_;
};

}  // namespace ia
