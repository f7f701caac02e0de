#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/reply_parser.h"
#include "ports/provider.h"

namespace ia {

struct HttpLaneOptions {
  std::string url;      // "http://host:port/prefix" or https; the prefix goes before each path
  std::string ca_file;  // empty: the system's certificates
  std::size_t max_connections = 1024;
  std::size_t pipelining = 1;  // requests written on a connection before their replies
  double rate_per_second = 0;  // 0: unlimited
  std::chrono::milliseconds tick{4};
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds request_timeout{5'000};
  std::uint64_t seed = 1;  // of the jitter
  InfluencerId probe_influencer{};
};

// What a reply means for the influencer that was asked for.
struct Judgement {
  enum class Kind : std::uint8_t {
    kValue,
    kMiss,   // final: asking again would not help
    kRetry,  // trouble of the network's: ask again while there is time
  };
  Kind kind = Kind::kRetry;
  MissReason reason = MissReason::kMalformed;
  Counts counts{};
  std::string_view username{};  // valid until the next judgement
  bool wrong_id = false;        // replies are crossed: the connection is not to be trusted
};

// What a lane must know of a social network: a path and what replies mean. One thread.
class HttpDialect {
 public:
  virtual ~HttpDialect() = default;
  virtual void append_path(std::string& out, InfluencerId influencer) const = 0;
  virtual Judgement judge(InfluencerId influencer, const HttpReply& reply) = 0;
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
  Status probe() override;  // asks for options.probe_influencer

 private:
  struct State;
  explicit HttpLane(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
