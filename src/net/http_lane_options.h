#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "core/point.h"
#include "net/outage_gate.h"
#include "net/proxy.h"
#include "net/throttle.h"

namespace ia {

struct HttpLaneOptions {
  std::string url{};      // "http://host:port/prefix" or https; the prefix goes before each path
  std::string ca_file{};  // empty: the system's certificates
  std::string user_agent = "influencer-analytics";
  std::optional<HttpProxy> proxy{};  // none: the network is asked directly
  std::size_t max_connections = 1024;
  std::size_t pipelining = 1;  // requests written on a connection before their replies, up to 64
  double rate_per_second = 0;  // 0: unlimited
  std::chrono::milliseconds tick{4};
  std::chrono::milliseconds connect_timeout{1'000};  // TLS included
  std::chrono::milliseconds request_timeout{5'000};
  std::chrono::milliseconds stall_timeout{2'000};  // between two parts of a reply
  std::chrono::milliseconds idle_timeout{4'000};   // Node closes after 5 s
  std::chrono::milliseconds retry_base{kRetryBase};
  std::chrono::milliseconds pause{1'000};              // after a 429 that does not say how long
  std::chrono::milliseconds probe_every{kProbeEvery};  // while nearly everything fails
  std::uint64_t seed = 1;                              // of the jitter
  InfluencerId probe_influencer{};
};

// kInvalid: a number that cannot be used. The URL and the CA file are not looked at.
Status check(const HttpLaneOptions& options);

}  // namespace ia
