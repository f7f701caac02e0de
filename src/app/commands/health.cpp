#include "app/commands/health.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>

#include "app/config/cli.h"
#include "net/curl.h"

namespace ia {
namespace {

const std::string kUserAgent = "influencer-analytics/" + version_number() + " health";
constexpr long kPatienceMilliseconds = 4'000;
constexpr std::size_t kBodyMax = 4'096;

std::size_t keep(const char* bytes, std::size_t size, std::size_t count, void* body) {
  auto& kept = *static_cast<std::string*>(body);
  kept.append(bytes, std::min(size * count, kBodyMax - std::min(kBodyMax, kept.size())));
  return size * count;
}

}  // namespace

Result<std::string> ask_health(const std::string& url) {
  curl::initialise();
  const curl::Easy easy(curl_easy_init());
  std::string body;
  std::string cause(CURL_ERROR_SIZE, '\0');
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");  // what it asks is this machine's
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, kUserAgent.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kPatienceMilliseconds);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &keep);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, cause.data());
  if (const auto done = curl_easy_perform(easy.get()); done != CURLE_OK) {
    cause.resize(cause.find('\0'));
    return fail(Errc::kUnavailable, fmt::format("{} does not answer: {}", url,
                                                cause.empty() ? curl_easy_strerror(done) : cause));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return fmt::format("healthy: {} answers 200\n", url);
  return fail(Errc::kUnavailable, fmt::format("{} answers {}: {}", url, status, body));
}

}  // namespace ia
