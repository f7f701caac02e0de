#include "adapters/curl.h"

#include <curl/curl.h>

namespace ia::curl {

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

void initialise() {
  static const bool initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  (void)initialised;
}

}  // namespace ia::curl
