#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"

struct curl_slist;

// libcurl's handles with ownership; nothing of any request. Adapters share it.
namespace ia::curl {

struct EasyCleanup {
  void operator()(void* handle) const;
};
struct MultiCleanup {
  void operator()(void* handle) const;
};
struct ListCleanup {
  void operator()(curl_slist* list) const;
};
using Easy = std::unique_ptr<void, EasyCleanup>;    // a CURL
using Multi = std::unique_ptr<void, MultiCleanup>;  // a CURLM
using HeaderList = std::unique_ptr<curl_slist, ListCleanup>;

// What the reply's Retry-After asks for (net/retry_after.h), at most a day.
std::optional<std::chrono::seconds> retry_after(void* easy, WallTime now);

HeaderList header_list(std::span<const std::string> headers);

// libcurl's own start is not safe from two threads at once: call this before the first handle.
void initialise();

}  // namespace ia::curl
