#include "app/upstream_probe.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <string>

#include "adapters/curl.h"
#include "app/wiring.h"

namespace ia {
namespace {

std::size_t drop(const char*, std::size_t size, std::size_t count, void*) { return size * count; }

template <class Value>
void set(const curl::Easy& easy, CURLoption option, Value value) {
  curl_easy_setopt(easy.get(), option, value);
}

// The status of one reply, whatever its body is; 0 for none.
long status_of(const Config& config, const std::string& url) {
  curl::initialise();
  const curl::Easy easy(curl_easy_init());
  const auto patience = config.connect_timeout + config.request_timeout;
  set(easy, CURLOPT_URL, url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
  set(easy, CURLOPT_WRITEFUNCTION, &drop);
  if (!config.ca_file.empty()) set(easy, CURLOPT_CAINFO, config.ca_file.c_str());
  curl_easy_perform(easy.get());
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::string_view meaning_of(long status) {
  if (status == 401 || status == 403) return "it refuses this client";
  if (status == 407) return "a proxy on the way wants a password";
  if (status == 429) return "it limits the rate: wait, then lower --max-rate";
  if (status == 501 || status == 405) return "it does not know this request: is it Mockstagram?";
  if (status >= 500) return "it, or a gateway before it, has a fault of its own";
  if (status >= 300 && status < 400) return "redirects are not followed: name what it points to";
  if (status == 200) return "what it says is not Mockstagram's";
  return "is it Mockstagram?";
}

std::unexpected<Error> described(const Config& config, const Error& error) {
  const auto url = fmt::format("{}/api/v1/influencers/{}", config.mockstagram_url,
                               number_of(probed_influencer(config)));
  const auto status = status_of(config, url);
  if (status == 0) return fail(error.code, "does not answer: " + error.message);
  return fail(Errc::kInvalid, fmt::format("answers HTTP {}: {}", status, meaning_of(status)));
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
  if (!answer) return described(config, answer.error());
  return reply;
}

}  // namespace ia
