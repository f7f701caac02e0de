#include "core/miss.h"

namespace ia {
namespace {
constexpr std::array<std::string_view, kMissReasonCount> kNames = {
    "timeout", "connection", "rate_limited", "server_error", "not_found", "malformed",
    "overrun", "clock",      "down",         "outage",       "disk_full"};
}  // namespace

std::string_view name_of(MissReason reason) { return kNames.at(static_cast<std::size_t>(reason)); }

std::optional<MissReason> miss_reason_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<MissReason>(i);
  }
  return std::nullopt;
}

}  // namespace ia
