#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_dialect.h"
#include "net/throttle.h"
#include "ports/provider.h"

namespace ia {

struct HttpLaneOptions {
  std::string url{};      // "http://host:port/prefix" or https; the prefix goes before each path
  std::string ca_file{};  // empty: the system's certificates
  std::size_t max_connections = 1024;
  std::size_t pipelining = 1;  // requests written on a connection before their replies
  double rate_per_second = 0;  // 0: unlimited
  std::chrono::milliseconds tick{4};
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds request_timeout{5'000};
  std::chrono::milliseconds stall_timeout{2'000};  // between two parts of a reply
  std::chrono::milliseconds idle_timeout{4'000};   // Node closes after 5 s
  std::chrono::milliseconds retry_base{kRetryBase};
  std::uint64_t seed = 1;  // of the jitter
  InfluencerId probe_influencer{};
};

// Fetches influencers of one host over HTTP/1.1: the engine of every provider. It has a thread
// of its own, "fetch-io". Pace, concurrency, retries, Retry-After and the breaker are as in
// net/throttle.h; every influencer of an order ends in exactly one of its values and misses.
class HttpLane final : public Provider {
 public:
  // kInvalid: a URL or CA file that cannot be used.
  static Result<std::unique_ptr<HttpLane>> create(HttpLaneOptions options,
                                                  std::unique_ptr<HttpDialect> dialect,
                                                  const Clock& clock, Metrics& metrics, Log& log);
  ~HttpLane() override;

  void start(FetchOrder order) override;
  std::vector<FinishedFetch> take_finished(std::chrono::milliseconds wait) override;
  void set_rate(double requests_per_second) override;
  void cancel(std::chrono::milliseconds grace) override;
  ProviderHealth health() const override;
  // Asks for options.probe_influencer. Only while no order is open.
  Status probe() override;

 private:
  struct State;
  explicit HttpLane(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
