#include "fleet_contract.h"

#include "testing/manual_clock.h"
#include "testing/memory_fleet.h"

namespace ia {
namespace {

class InMemory final : public FleetHarness {
 public:
  Fleet& fleet() override { return fleet_; }
  void pass(std::chrono::milliseconds time) override { clock_.advance(time); }

 private:
  ManualClock clock_;
  MemoryFleet fleet_{clock_};
};

INSTANTIATE_TEST_SUITE_P(Fleets, FleetContract,
                         ::testing::Values(FleetKind{"memory",
                                                      [] { return std::make_unique<InMemory>(); }}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace ia
