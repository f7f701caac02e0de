#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/proxy.h"
#include "ports/judge.h"

namespace ia {

struct MockstagramJudgeOptions {
  std::string url = "http://127.0.0.1:3000";
  std::string ca_file{};  // PEM; empty: the system's
  std::string user_agent = "influencer-analytics";
  Proxies proxies{};  // without them, the network is asked directly
  std::size_t max_connections = 128;
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds timeout{12'000};  // of a whole call: the network may take ten seconds
};

// POST /api/v1/influencers/is_suspicious, over libcurl: connections of its own that fetch nothing
// else, as Mockstagram holds up what is pipelined behind a call. No thread of its own: calls move
// on within take. No redirects; a reply over 64 KiB is refused.
std::unique_ptr<Judge> make_mockstagram_judge(const MockstagramJudgeOptions& options,
                                              const Clock& clock);

// The verdict in the body of a reply with status 200 or 203; kUnavailable when it holds none, or
// that of another influencer.
Result<bool> parse_ruling(InfluencerId asked, std::string_view reply);

}  // namespace ia
