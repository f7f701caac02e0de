#include "app/wiring/upstream_probe.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "app/wiring/wiring.h"
#include "net/proxy.h"

namespace ia {
namespace {

std::string_view meaning_of(unsigned status) {
  if (status == 401 || status == 403) return "it refuses this client";
  if (const auto advice = proxy_advice(status); !advice.empty()) return advice;
  if (status == 429) return "it limits the rate: wait, then lower --max-rate";
  if (status == 501 || status == 405) return "it does not know this request: is it Mockstagram?";
  if (status >= 500) return "it, or a gateway before it, has a fault of its own";
  if (status >= 300 && status < 400) return "redirects are not followed: name what it points to";
  if (status == 200) return "what it says is not Mockstagram's";
  return "is it Mockstagram?";
}

// By what the network answered last, if it answered at all.
std::unexpected<Error> described(const std::vector<FailureExample>& failures, const Error& error) {
  const FailureExample* newest = nullptr;
  for (const auto& one : failures) {
    if (one.status != 0 && (newest == nullptr || one.at > newest->at)) newest = &one;
  }
  if (newest == nullptr) return fail(error.code, "does not answer: " + error.message);
  return fail(Errc::kInvalid,
              fmt::format("answers HTTP {}: {}", newest->status, meaning_of(newest->status)));
}

}  // namespace

Result<UpstreamReply> probe_upstream(const Config& config, const Clock& clock, Log& log) {
  Metrics metrics;
  auto at_once = config;
  at_once.max_rate = 0;
  const auto provider = make_provider(at_once, 1, clock, metrics, log);
  if (!provider) return std::unexpected(provider.error());
  const auto answer = (*provider)->probe();
  UpstreamReply reply;
  if (const auto heard = (*provider)->health().network_time) {
    // Date says whole seconds: on average it is half of one behind.
    reply.time = heard->said + std::chrono::duration_cast<std::chrono::milliseconds>(
                                   clock.mono() - heard->read_at);
  }
  if (!answer) return described((*provider)->failure_examples(), answer.error());
  return reply;
}

}  // namespace ia
