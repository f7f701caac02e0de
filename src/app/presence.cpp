#include "app/presence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <random>

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

std::string name_of_process() {
  std::string host(256, '\0');
  if (gethostname(host.data(), host.size() - 1) != 0) host = "unknown";
  return fmt::format("{}:{}:{:08x}", host.c_str(), getpid(), std::random_device{}());
}

}  // namespace ia
