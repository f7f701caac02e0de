#include "ports/alert_store.h"

#include <array>

namespace ia {

std::string_view name_of(AlertOutcome outcome) {
  static constexpr std::array<std::string_view, 6> kNames = {"pending", "delivered", "refused",
                                                             "gave_up", "gone",      "cancelled"};
  return kNames[std::to_underlying(outcome)];
}

}  // namespace ia
