#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/proxy.h"

namespace ia {

// What AWS's Signature Version 4 needs besides the request.
struct SqsSignature {
  std::string region;
  std::string service;
  std::string access_key_id;
  std::string secret_access_key;
};

struct SqsHttpRequest {
  std::string method = "POST";
  std::string url{};
  std::vector<std::string> headers{};  // "Name: value"; each is part of the signature
  std::string body{};
  std::chrono::milliseconds timeout{5'000};  // of the whole exchange
  std::optional<SqsSignature> signature{};
};

struct SqsHttpReply {
  int status = 0;
  std::string body;
  std::string date;  // the header of that name, or empty
};

struct SqsHttpOptions {
  std::chrono::milliseconds connect_timeout{3'000};
  std::size_t parallel_max = 8;  // requests of one call that are under way at a time
  std::string ca_file{};         // PEM; empty: the system's
  std::string user_agent = "influencer-analytics";
  Proxies proxies{};                 // without them, all is asked directly
  bool asks_plain_directly = false;  // so are http:// URLs, whatever the proxies
};

// HTTP over libcurl. Connections are kept and reused: some eight sets of them, one a calling
// thread. No redirects. A reply of more than 32 MiB is refused.
//
// libcurl signs a request rightly from 7.86 on, as long as it goes to a path without a query.
class SqsHttp {
 public:
  // kInvalid: a libcurl that signs wrongly, with what to do.
  static Result<std::unique_ptr<SqsHttp>> make(const SqsHttpOptions& options);
  ~SqsHttp();
  SqsHttp(const SqsHttp&) = delete;
  SqsHttp& operator=(const SqsHttp&) = delete;

  // The reply to each request, whatever its status, in their order. kUnavailable: there was no
  // whole reply; whether the request had an effect is not known. Safe to call from any thread.
  std::vector<Result<SqsHttpReply>> perform(std::span<const SqsHttpRequest> requests);
  Result<SqsHttpReply> perform(const SqsHttpRequest& request);

 private:
  struct State;
  explicit SqsHttp(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Nothing when libcurl of that version (as in LIBCURL_VERSION_NUM) signs rightly, else why not.
std::optional<std::string> sqs_signing_defect(unsigned libcurl_version);

}  // namespace ia
