#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adapters/sqs/bill.h"
#include "adapters/sqs/credentials.h"
#include "adapters/sqs/failure.h"
#include "adapters/sqs/retry.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"

namespace ia {

struct SqsClientOptions {
  // As "https://sqs.eu-west-1.amazonaws.com"; empty: AWS's own of the region. Without a path.
  std::string endpoint{};
  std::string region{};
  std::string ca_file{};  // PEM; empty: the system's
  std::string user_agent = "influencer-analytics";
  Proxies proxies{};
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds request_timeout{5'000};  // a long poll's wait comes on top
  std::size_t parallel_max = 8;                      // requests of one call at a time
  SqsRetryOptions retry{};
};

struct SqsRequest {
  SqsAction action;
  std::string body{};                 // JSON
  std::size_t message_bytes = 0;      // of the messages in it, for the bill
  std::chrono::milliseconds wait{0};  // of a long poll
};

// The reply's JSON, or why there is none.
using SqsReply = std::expected<std::string, SqsFailure>;

// SQS's protocol: AWS JSON 1.0 by POST to the endpoint's "/", signed (Signature Version 4). It
// always connects to the endpoint of its options, whatever host a queue's URL names. Safe to call
// from any thread; a call blocks for as long as its requests take.
class SqsClient {
 public:
  // kInvalid: no region, a bad endpoint, or a libcurl that cannot sign. Makes no request. All
  // arguments but the options must outlive the client.
  static Result<std::unique_ptr<SqsClient>> make(const SqsClientOptions& options,
                                                 SqsCredentialSource& credentials,
                                                 const Clock& clock, Metrics& metrics);
  ~SqsClient();

  // Tries again after failures that may pass.
  SqsReply call(const SqsRequest& request);
  // The same for several at once, side by side.
  std::vector<SqsReply> call_all(std::span<const SqsRequest> requests);
  // Side by side, once each: for callers that sort out themselves what to try again.
  std::vector<SqsReply> call_once(std::span<const SqsRequest> requests);
  SqsRetries::Attempts begin_attempts();
  // As the retries wait.
  void wait(std::chrono::milliseconds time);

  SqsBill& bill();
  const std::string& endpoint() const;  // without a "/" at the end

 private:
  struct State;
  explicit SqsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
