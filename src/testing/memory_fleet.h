#pragma once

#include <algorithm>
#include <limits>
#include <map>

#include "base/clock.h"
#include "ports/fleet.h"

namespace ia {

// The fleet of one process: the twin of those on servers. One thread.
class MemoryFleet final : public Fleet {
 public:
  explicit MemoryFleet(const Clock& clock) : clock_(clock) {}

  Result<double> renew(const std::string& process, const ProcessReport& report) override {
    const auto now = clock_.wall();
    extend_leases(now);
    entries_.erase(process);
    std::erase_if(entries_, [&](const auto& entry) { return is_dead(entry.second, now); });
    const double share = share_of(report.upstream_limit);
    entries_[process] = {process, report, share, now};
    return share;
  }
  Status leave(const std::string& process) override {
    entries_.erase(process);
    return {};
  }
  Result<std::vector<FleetEntry>> read() const override {
    std::vector<FleetEntry> living;
    for (const auto& [process, entry] : entries_) {
      if (!is_dead(entry, clock_.wall())) living.push_back(entry);
    }
    return living;
  }

 private:
  static bool is_dead(const FleetEntry& entry, WallTime now) {
    return now - entry.renewed_at >= kFleetLease;
  }
  void extend_leases(WallTime now) {
    WallTime newest{};
    for (const auto& [process, entry] : entries_) newest = std::max(newest, entry.renewed_at);
    const auto absence = now - newest;
    if (absence < kFleetAbsence) return;
    for (auto& [process, entry] : entries_) entry.renewed_at += absence;
  }
  double share_of(double limit) const {
    if (limit <= 0) return 0;
    double taken = 0;
    int sharers = 1;
    for (const auto& [process, entry] : entries_) {
      if (entry.report.upstream_limit <= 0) continue;
      limit = std::min(limit, entry.report.upstream_limit);
      taken += entry.upstream_share;
      ++sharers;
    }
    return std::max(0.0, std::min(limit / sharers, limit - taken));
  }

  const Clock& clock_;
  std::map<std::string, FleetEntry> entries_;
};

}  // namespace ia
