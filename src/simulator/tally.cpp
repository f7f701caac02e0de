#include "simulator/tally.h"

#include <fmt/format.h>

#include <algorithm>

namespace ia {

void Tally::answer(int status) {
  if (status == 0) return;
  const auto at = std::ranges::find(kStatuses, status);
  bump(at == kStatuses.end() ? errors_
                             : by_status_[static_cast<std::size_t>(at - kStatuses.begin())]);
}

SimulatorCounters Tally::counters() const {
  SimulatorCounters counters;
  counters.requests = requests_;
  for (std::size_t i = 0; i < kStatuses.size(); ++i) {
    if (by_status_[i] > 0) counters.by_status[kStatuses[i]] = by_status_[i];
  }
  if (errors_ > 0) counters.by_status[500] = errors_;
  for (std::size_t i = 1; i < kFaultKindCount; ++i) {
    if (by_fault_[i] == 0) continue;
    counters.by_fault[std::string(name_of(static_cast<FaultKind>(i)))] = by_fault_[i];
  }
  counters.connections_opened = opened_;
  counters.connections_open =
      counters.connections_opened - std::min<std::uint64_t>(opened_, closed_);
  return counters;
}

namespace {

template <class Map>
std::string object_of(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) {
    text += fmt::format(R"({}"{}":{})", text.empty() ? "" : ",", key, value);
  }
  return "{" + text + "}";
}

}  // namespace

std::string to_json(const SimulatorCounters& counters) {
  return fmt::format(R"({{"requests":{},"by_status":{},"by_fault":{},"connections_opened":{},)"
                     R"("connections_open":{}}})",
                     counters.requests, object_of(counters.by_status), object_of(counters.by_fault),
                     counters.connections_opened, counters.connections_open);
}

}  // namespace ia
