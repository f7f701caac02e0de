#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ports/alert_store.h"
#include "ports/fleet.h"
#include "ports/job_health.h"
#include "ports/judge.h"
#include "ports/known_damage.h"
#include "ports/provider.h"
#include "ports/queue.h"
#include "ports/store.h"
#include "ports/verdict_store.h"
#include "ports/webhook.h"

namespace ia {

struct StoreServer;

// The adapters that the settings ask for. wiring.cpp is the only file that names them.
enum class StoreAccess : std::uint8_t { kReadWrite, kReadOnly };
// kReadOnly makes and changes nothing: kUnavailable where there is none.
Result<std::unique_ptr<Store>> open_store(const Config& config, StoreAccess access, Log& log);
Result<std::unique_ptr<VerdictStore>> open_verdict_store(const Config& config, StoreAccess access);
// For a process that seeds nothing: kUnavailable where a mistyped data directory, or one that
// nothing was seeded in, has not the embedded parts that the settings ask for.
Status find_seeded_data(const Config& config);
// A file of the data directory, which has to be there, or tables of PostgreSQL.
Result<std::unique_ptr<AlertStore>> open_alert_store(const Config& config, Log& log);
// Empty: the store has no jobs of its own.
AskJobHealth job_health_of(const Config& config);
std::unique_ptr<WebhookSender> make_alert_sender(const Config& config, const Clock& clock);
// Why no alert may be sent to a URL, as far as its text tells: see AlertContext::refused_url.
std::optional<std::string> refused_alert_url(const Config& config, const std::string& url);
std::unique_ptr<Judge> make_judge(const Config& config, const Clock& clock);
// Where the processes that share a store hear of each other; nothing with the embedded one.
std::unique_ptr<Fleet> open_fleet(const Config& config);
// What the command `migrate` says it did, for people.
Result<std::string> migrate_store(const Config& config);
// A database of its own, empty, beside the one that the settings name, dropped at the end.
struct StoreLoad {
  std::chrono::microseconds busy{0};  // of all connections together: statements running
  std::uint64_t commits = 0;
};
class TrialStore {
 public:
  virtual ~TrialStore() = default;
  virtual std::string postgres_url() const = 0;
  virtual Result<StoreLoad> load() const = 0;
};
Result<std::unique_ptr<TrialStore>> make_trial_store(const Config& config, const std::string& name);
// Files of the embedded store that it does not know, by name.
Result<std::vector<std::string>> unlisted_store_files(const std::filesystem::path& data_dir);
// Its damage that is known without reading everything.
Result<KnownDamage> known_store_damage(const std::filesystem::path& data_dir);
// What doctor says of the store's server. With --store postgres only.
Result<StoreServer> describe_store_server(const Config& config);
// What this process costs at SQS.
struct QueueBill {
  std::uint64_t requests = 0;  // since its start
  double billed_per_day = 0;   // requests, as SQS counts them, at the pace of the last hour
  double usd_per_request = 0;
  double message_each_usd_per_day = 0;  // what one message an influencer would cost, for all
};
// The two queues of the pipeline. `connection` is what they share and need.
struct Queues {
  std::shared_ptr<void> connection;
  std::unique_ptr<Queue> ids;
  std::unique_ptr<Queue> points;
  // How many influencers are watched, and how often: for what one message each would cost at SQS.
  std::function<void(std::uint64_t influencers, std::chrono::minutes interval)> note_watched;
  std::function<QueueBill()> bill;  // nothing with embedded queues
};
Result<Queues> open_queues(const Config& config, const Clock& clock, Metrics& metrics, Log& log);
// What the command `queues` says it did, for people. `action` as in Invocation, or "remove".
Result<std::string> administer_queues(const std::string& action, const Config& config,
                                      const Clock& clock, Metrics& metrics, Log& log);
// `influencers`: how many it is to fetch, for the automatic rate limit.
Result<std::unique_ptr<Provider>> make_provider(const Config& config, std::size_t influencers,
                                                const Clock& clock, Metrics& metrics, Log& log);

// Names of the queues, the seed's.
inline constexpr const char* kIdQueueName = "influencer_id_store";
inline constexpr const char* kPointQueueName = "influencer_data_points";

// What backup, verify and restore say on standard output.
Result<std::string> back_up_data(const Config& config);
Result<std::string> restore_data(const std::filesystem::path& backup, const Config& config);
struct VerifiedData {
  bool is_whole = false;
  std::string text;
};
// With `repair` it takes the locks of all stages: kUnavailable while one runs.
Result<VerifiedData> verify_stored_data(const std::filesystem::path& data, bool repair);

}  // namespace ia
