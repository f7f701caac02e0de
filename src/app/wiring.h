#pragma once

#include <cstdint>
#include <memory>

#include "app/config.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ports/provider.h"
#include "ports/queue.h"
#include "ports/store.h"

namespace ia {

// The adapters that the settings ask for. wiring.cpp is the only file that names them.
enum class StoreAccess : std::uint8_t { kReadWrite, kReadOnly };
// kReadOnly makes and changes nothing: kUnavailable where there is none.
Result<std::unique_ptr<Store>> open_store(const Config& config, StoreAccess access, Log& log);
Result<std::unique_ptr<Queue>> open_id_queue(const Config& config, const Clock& clock, Log& log);
Result<std::unique_ptr<Queue>> open_point_queue(const Config& config, const Clock& clock, Log& log);
// `influencers`: how many it is to fetch, for the automatic rate limit.
Result<std::unique_ptr<Provider>> make_provider(const Config& config, std::size_t influencers,
                                                const Clock& clock, Metrics& metrics, Log& log);

// Names of the queues, the seed's.
inline constexpr const char* kIdQueueName = "influencer_id_store";
inline constexpr const char* kPointQueueName = "influencer_data_points";

}  // namespace ia
