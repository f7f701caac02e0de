#include "app/service/presence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <ranges>

#include "app/process/lock_file.h"
#include "app/process/scratch_directory.h"

namespace ia {

Presence::Presence(std::string process, Fleet& fleet, const Clock& clock, Log& log,
                   std::function<ProcessReport()> report)
    : process_(std::move(process)),
      fleet_(fleet),
      clock_(clock),
      report_(std::move(report)),
      state_(log, "fleet") {}

Presence::~Presence() { leave(); }

void Presence::step() {
  const auto now = clock_.mono();
  if (has_left_ || (renewed_at_ && now - *renewed_at_ < kFleetRenewal)) return;
  renewed_at_ = now;
  const auto share = fleet_.renew(process_, report_());
  if (!share) {
    state_.failing("the other processes cannot be heard: this one keeps its share",
                   share.error().message);
    return;
  }
  state_.recovered("the other processes are heard again");
  share_ = *share;
}

void Presence::leave() {
  if (has_left_) return;
  has_left_ = true;
  (void)fleet_.leave(process_);  // else it is forgotten in kFleetLease
}

namespace {

std::string name_of_host() {
  std::string host(256, '\0');
  if (gethostname(host.data(), host.size() - 1) != 0) return "unknown";
  return host.c_str();
}

bool has_word(std::string_view words, std::string_view word) {
  return std::ranges::any_of(std::views::split(words, ' '), [word](const auto& one) {
    return std::string_view(one.begin(), one.end()) == word;
  });
}

}  // namespace

std::vector<FleetEntry> neighbours(const std::filesystem::path& data_dir,
                                   std::string_view own_stages, WallTime now) {
  std::vector<FleetEntry> entries;
  for (const auto& [stage, holder] : held_locks(data_dir, kScratchLock)) {
    if (has_word(own_stages, stage)) continue;
    const auto process = fmt::format("{}:{}", name_of_host(), holder.pid);
    const auto known = std::ranges::find(entries, process, &FleetEntry::process);
    if (known == entries.end()) {
      entries.push_back({.process = process, .report = {.stage = stage}, .renewed_at = now});
    } else {
      known->report.stage += " " + stage;
    }
  }
  return entries;
}

std::string name_of_process() {
  return fmt::format("{}:{}:{:08x}", name_of_host(), getpid(), std::random_device{}());
}

}  // namespace ia
