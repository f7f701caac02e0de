#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "simulator/faults.h"

namespace ia {

struct SimulatorCounters {
  std::uint64_t requests = 0;                     // to the API, the real one's part of it
  std::map<int, std::uint64_t> by_status;         // of answers given or under way
  std::map<std::string, std::uint64_t> by_fault;  // name_of(FaultKind); those that happened
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_open = 0;
};

std::string to_json(const SimulatorCounters& counters);

// Counts for the thread that serves, at 1 ns each; others may read.
class Tally {
 public:
  void request() { bump(requests_); }
  // 0: there is no answer.
  void answer(int status);
  void fault(FaultKind kind) { bump(by_fault_[static_cast<std::size_t>(kind)]); }
  void opened() { bump(opened_); }
  void closed() { bump(closed_); }

  SimulatorCounters counters() const;

 private:
  using Count = std::atomic<std::uint64_t>;
  static constexpr std::array<int, 10> kStatuses = {200, 302, 304, 400, 404,
                                                    408, 413, 417, 429, 431};
  // One writer, so that no locked instruction is needed.
  static void bump(Count& count) {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  Count requests_ = 0;
  std::array<Count, kStatuses.size()> by_status_{};
  Count errors_ = 0;  // 500
  std::array<Count, kFaultKindCount> by_fault_{};
  Count opened_ = 0;
  Count closed_ = 0;
};

}  // namespace ia
