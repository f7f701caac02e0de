#pragma once

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_dialect.h"
#include "net/http_lane_options.h"
#include "ports/provider.h"

namespace ia {

// Fetches influencers of one host over HTTP/1.1: the engine of every provider. It has a thread
// of its own, "fetch-io". Pace, concurrency, retries, Retry-After and the breaker are the
// Governor's (net/governor.h); every influencer of an order ends in exactly one of its values and
// misses. A request is tried three times while its order's start_before has not come; one that the
// server cannot have seen is repeated and counts as nothing. Redirects are not followed. With a
// proxy, https goes through a tunnel, and http is requested from the proxy by whole URLs.
class HttpLane final : public Provider {
 public:
  // kInvalid: a URL, a CA file or a limit that cannot be used. Does not wait for the network.
  static Result<std::unique_ptr<HttpLane>> create(HttpLaneOptions options,
                                                  std::unique_ptr<HttpDialect> dialect,
                                                  const Clock& clock, Metrics& metrics, Log& log);
  ~HttpLane() override;

  void start(FetchOrder order) override;
  std::vector<FinishedFetch> take_finished(std::chrono::milliseconds wait) override;
  void set_rate(double requests_per_second) override;
  void cancel(std::chrono::milliseconds grace) override;
  ProviderHealth health() const override;
  std::vector<FailureExample> failure_examples() const override;
  // Asks for options.probe_influencer, before all that wait; safe while orders are open. Takes the
  // connect and the request timeout at most. That the network does not know it is an answer too.
  Status probe() override;

 private:
  struct State;
  explicit HttpLane(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
