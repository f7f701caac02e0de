#include "net/probe.h"

namespace ia {

using std::chrono::seconds;

Status probe_by_order(Provider& provider, const std::string& url, InfluencerId influencer,
                      WallTime now) {
  provider.start({.ticket = UINT64_MAX,
                  .influencers = {influencer},
                  .start_before = now + seconds{4},
                  .finish_before = now + seconds{5}});
  const auto answers = provider.take_finished(seconds{6});
  if (answers.empty()) return fail(Errc::kUnavailable, url + ": no answer in 6 s");
  if (answers.front().misses.empty()) return {};
  const auto reason = answers.front().misses.front().reason;
  if (reason == MissReason::kNotFound) return {};
  const auto cause = provider.health().last_error;
  return fail(Errc::kUnavailable,
              url + ": " + std::string(name_of(reason)) + (cause.empty() ? "" : ": " + cause));
}

}  // namespace ia
