#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "ports/fleet.h"

namespace ia {

// This process's entry in the fleet: renewed while it lives, removed at the end. One thread.
class Presence {
 public:
  // `process`: as name_of_process() gives it. `report` is called for each renewal. The fleet must
  // outlive this.
  Presence(std::string process, Fleet& fleet, const Clock& clock, Log& log,
           std::function<ProcessReport()> report);
  ~Presence();
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  // Renews the entry when it is time. While that fails the last share stays, and the log
  // has said so once.
  void step();
  // Requests/s that this process may send: 0 until it was told.
  double share() const { return share_; }
  // Removes the entry; step does nothing any more.
  void leave();

 private:
  const std::string process_;
  Fleet& fleet_;
  const Clock& clock_;
  const std::function<ProcessReport()> report_;
  StateLog state_;
  std::optional<MonoTime> renewed_at_;
  double share_ = 0;
  bool has_left_ = false;
};

// The other processes whose stages run on a data directory, as their locks tell, which do not say
// what each has sent. `own_stages` are left out.
std::vector<FleetEntry> neighbours(const std::filesystem::path& data_dir,
                                   std::string_view own_stages, WallTime now);

// "HOST:PID:RANDOM": of no other process, on no machine.
std::string name_of_process();

}  // namespace ia
