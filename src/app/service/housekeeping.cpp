#include "app/service/housekeeping.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRest{500};
constexpr milliseconds kBusyRest{2};
constexpr milliseconds kErrorRest{10'000};

}  // namespace

milliseconds keep_house(Store& store, const Clock& clock, StateLog& state) {
  if (clock.trust() == ClockTrust::kDoubtful) return kRest;
  const auto more = store.maintain(UpkeepTime(clock));
  if (!more) {
    state.failing("housekeeping waits", more.error().message);
    return kErrorRest;
  }
  state.recovered("housekeeping goes on");
  return *more ? kBusyRest : kRest;
}

}  // namespace ia
