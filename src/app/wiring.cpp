#include "app/wiring.h"

#include <random>

#include "adapters/mockstagram_provider.h"
#include "adapters/sqlite_queue.h"
#include "adapters/sqlite_store.h"

namespace ia {
namespace {

HttpLaneOptions lane_options(const Config& config, std::size_t influencers) {
  return {.url = config.mockstagram_url,
          .ca_file = config.ca_file.string(),
          .max_connections = config.max_connections,
          .pipelining = config.pipelining,
          .rate_per_second = rate_limit(config, influencers),
          .tick = config.tick,
          .connect_timeout = config.connect_timeout,
          .request_timeout = config.request_timeout,
          .seed = std::random_device{}(),
          .probe_influencer =
              config.influencers.empty() ? InfluencerId{1'000'000} : config.influencers.at(0)};
}

Result<std::unique_ptr<Queue>> open_queue(const Config& config, std::string name,
                                          std::uint32_t receives_max, const Clock& clock,
                                          Log& log) {
  auto queue = SqliteQueue::open(
      {.directory = config.data_dir, .name = std::move(name), .receives_max = receives_max}, clock,
      log);
  if (!queue) return std::unexpected(queue.error());
  return std::unique_ptr<Queue>(std::move(*queue));
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const Config& config, StoreAccess access, Log& log) {
  const auto days = std::chrono::ceil<std::chrono::days>(config.retention);
  return open_sqlite_store({.directory = config.data_dir,
                            .retention = days,
                            .read_only = access == StoreAccess::kReadOnly},
                           log);
}

Result<std::unique_ptr<Provider>> make_provider(const Config& config, std::size_t influencers,
                                                const Clock& clock, Metrics& metrics, Log& log) {
  return make_mockstagram_provider(lane_options(config, influencers), clock, metrics, log);
}

// A shard's message is received every minute for ever: a limit would bury it.
Result<std::unique_ptr<Queue>> open_id_queue(const Config& config, const Clock& clock, Log& log) {
  return open_queue(config, kIdQueueName, 0, clock, log);
}

Result<std::unique_ptr<Queue>> open_point_queue(const Config& config, const Clock& clock,
                                                Log& log) {
  return open_queue(config, kPointQueueName, config.queue_receives_max, clock, log);
}

}  // namespace ia
