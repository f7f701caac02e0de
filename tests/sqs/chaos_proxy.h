#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace ia {

// What goes wrong by chance, each with a probability of 0 to 1, decided from `seed`.
struct Chaos {
  double refuse = 0;             // 503, and nothing happened
  double throttle = 0;           // RequestThrottled, and nothing happened
  double hang_up = 0;            // the connection ends, and nothing happened
  double fail_entry = 0;         // one entry of a batch fails, nothing happened to it
  double lose_reply = 0;         // it happened, and the connection ends
  double cut_reply = 0;          // it happened, and the reply ends in its middle
  double forget_entry = 0;       // it happened, and a batch's reply says nothing of one entry
  double duplicate = 0;          // a delivered message can be received again at once
  double hide = 0;               // a receive finds nothing
  bool shuffle = false;          // messages come in any order
  bool loses_only_acks = false;  // lose_reply and cut_reply only where a repeat is no different
  std::uint64_t seed = 1;
};

// Between an SQS client and an SQS server: passes requests on, badly.
class ChaosProxy {
 public:
  ChaosProxy(std::string upstream, const Chaos& chaos);
  ~ChaosProxy();

  std::string url() const;
  // From now on all goes well.
  void calm_down();
  // How often something was done badly so far.
  std::uint64_t troubles() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
