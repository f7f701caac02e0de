#include "app/service/alert_lane.h"

#include <fmt/format.h>

#include <filesystem>
#include <random>
#include <utility>

#include "api/alert_json.h"
#include "app/wiring/wiring.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSenderWait{250};

// 128 random bits: unique for ever, and nobody can guess another one.
std::string make_webhook_id() {
  std::random_device random;
  return fmt::format("msg_{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::function<double()> make_random() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

std::optional<bool> verdict_of(const VerdictBook& book, InfluencerId influencer) {
  const auto entry = book.find(influencer);
  return entry ? std::optional(entry->suspicious) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<AlertLane>> AlertLane::open(const Config& config, Sources sources,
                                                   const Clock& clock, Metrics& metrics, Log& log) {
  auto lane = std::unique_ptr<AlertLane>(new AlertLane);
  auto store = open_alert_store(config, log);
  if (!store) return std::unexpected(store.error());
  lane->store_ = std::move(*store);
  std::error_code error;
  if (const auto unused = config.data_dir / "alerts.db";
      config.store == StoreKind::kPostgres && std::filesystem::exists(unused, error)) {
    log.warning("alerts", "rules in a file are not looked at: PostgreSQL has those of all APIs",
                {{"file", unused.string()}, {"advice", "make them again, then delete the file"}});
  }
  lane->sender_ = make_alert_sender(config, clock);
  lane->refused_url_ = [config](const std::string& url) { return refused_alert_url(config, url); };
  lane->engine_ = std::make_unique<AlertEngine>(
      AlertEngineParts{
          .board = std::move(sources.board),
          .board_looks = std::move(sources.board_looks),
          .verdict = [&book = sources.verdicts](
                         InfluencerId influencer) { return verdict_of(book, influencer); },
          .encode = alert_body,
          .make_id = make_webhook_id},
      sources.history, *lane->store_, clock, metrics, log);
  lane->dispatcher_ =
      std::make_unique<AlertDispatcher>(AlertDispatcherOptions{.random = make_random()},
                                        *lane->store_, *lane->sender_, clock, metrics, log);
  return lane;
}

AlertLane::~AlertLane() { stop(); }

AlertContext AlertLane::context() {
  return {.store = store_.get(),
          .test =
              [this](Webhook webhook, std::function<void(WebhookReply)> reply) {
                return dispatcher_->test(std::move(webhook), std::move(reply));
              },
          .make_id = make_webhook_id,
          .refused_url = refused_url_};
}

void AlertLane::start() {
  engine_thread_ = std::make_unique<StageThread>("alerts", [this] { return engine_->step(); });
  dispatcher_thread_ = std::make_unique<StageThread>("webhooks", [this] {
    dispatcher_->step(kSenderWait);
    return milliseconds{0};
  });
}

void AlertLane::stop() {
  if (engine_thread_) engine_thread_->stop();
  if (dispatcher_thread_) dispatcher_thread_->stop();
}

WriteAccess write_access(const Config& config) {
  const auto& host = config.listen.host;
  return {.token = config.api_token,
          .listens_on_loopback = host == "::1" || host.starts_with("127.")};
}

}  // namespace ia
