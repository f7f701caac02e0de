#include "adapters/curl.h"

#include <curl/curl.h>

#include "net/retry_after.h"

namespace ia::curl {
namespace {

constexpr std::chrono::hours kRetryAfterMax{24};

}  // namespace

void EasyCleanup::operator()(void* handle) const { curl_easy_cleanup(handle); }
void MultiCleanup::operator()(void* handle) const { curl_multi_cleanup(handle); }
void ListCleanup::operator()(curl_slist* list) const { curl_slist_free_all(list); }

HeaderList header_list(std::span<const std::string> headers) {
  HeaderList list;
  for (const auto& header : headers) {
    list.reset(curl_slist_append(list.release(), header.c_str()));
  }
  return list;
}

std::optional<std::chrono::seconds> retry_after(void* easy, WallTime now) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return std::nullopt;
  }
  return parse_retry_after(header->value, now, kRetryAfterMax);
}

void initialise() {
  static const bool initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)initialised;
}

}  // namespace ia::curl
