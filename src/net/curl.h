#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "net/proxy.h"

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

// The host in a URL as libcurl reads it: lower case, unescaped, without brackets and without dots
// at its end. Empty if there is none.
std::string host_of(const std::string& url);

// Sends by this proxy, or without one: libcurl's own look at the environment is left out, as the
// whole program follows net/proxy.h.
void set_proxy(void* easy, const std::optional<HttpProxy>& proxy);

// TLS 1.2 or newer, and the authorities in `ca_file`, or the system's if that is empty.
void set_tls(void* easy, const std::string& ca_file);

// Why a transfer failed, and what to do for TLS (net/tls_failure.h) and where a proxy refused it.
// `code` is its CURLcode; `message` what CURLOPT_ERRORBUFFER holds.
std::string failure_text(void* easy, int code, const std::string& message);

// What the reply's Retry-After asks for (net/retry_after.h), at most a day.
std::optional<std::chrono::seconds> retry_after(void* easy, WallTime now);

HeaderList header_list(std::span<const std::string> headers);

// libcurl's own start is not safe from two threads at once: call this before the first handle.
void initialise();

}  // namespace ia::curl
