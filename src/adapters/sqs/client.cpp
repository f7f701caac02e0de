#include "adapters/sqs/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/sqs/http.h"
#include "net/http_endpoint.h"

namespace ia {
namespace {

constexpr auto kService = "sqs";

bool is_region(const std::string& region) {
  return !region.empty() && std::ranges::all_of(region, [](char c) {
    return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '-';
  });
}

std::string aws_endpoint(const std::string& region) {
  return "https://sqs." + region +
         (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

// AWS signs paths in ways that differ by service and libcurl: "/" is the only safe one.
Result<std::string> bare_endpoint(std::string url) {
  const auto parsed = parse_endpoint(url);
  if (!parsed) return fail("SQS endpoint", parsed.error());
  if (!parsed->prefix.empty()) {
    return fail(Errc::kInvalid,
                fmt::format("SQS endpoint {}: leave out the path {}", url, parsed->prefix));
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

struct SqsClient::State {
  State(SqsClientOptions the_options, std::string the_endpoint, std::unique_ptr<SqsHttp> the_http,
        SqsCredentialSource& the_credentials, const Clock& the_clock, Metrics& metrics)
      : options(std::move(the_options)),
        endpoint(std::move(the_endpoint)),
        http(std::move(the_http)),
        credentials(the_credentials),
        clock(the_clock),
        retries(options.retry, the_clock),
        bill(the_clock, metrics) {}

  SqsHttpRequest signed_request(const SqsRequest& request, const SqsCredentials& key) const {
    SqsHttpRequest http_request{
        .url = endpoint + "/",
        .headers = {"Content-Type: application/x-amz-json-1.0",
                    fmt::format("X-Amz-Target: AmazonSQS.{}", name_of(request.action))},
        .body = request.body,
        .timeout = options.request_timeout + request.wait,
        .signature = SqsSignature{.region = options.region,
                                  .service = kService,
                                  .access_key_id = key.access_key_id,
                                  .secret_access_key = key.secret_access_key}};
    if (!key.session_token.empty()) {
      http_request.headers.push_back("X-Amz-Security-Token: " + key.session_token);
    }
    return http_request;
  }

  SqsReply judged(const SqsRequest& request, Result<SqsHttpReply> reply,
                  const SqsCredentials& key) {
    const auto context = fmt::format("SQS {}", name_of(request.action));
    const auto failed = [&](SqsFailure failure) {
      failure.error.message = context + ": " + failure.error.message;
      if (failure.signature) credentials.forget(key);
      return std::unexpected(std::move(failure));
    };
    const auto received = reply ? reply->body.size() : 0;
    const bool carries_messages = request.action == SqsAction::kReceiveMessage;
    bill.note(request.action, request.message_bytes + (carries_messages ? received : 0));
    if (!reply) return failed(sqs_failure(reply.error()));
    if (reply->status != 200) return failed(sqs_failure(*reply, clock.wall()));
    // Some servers say nothing where AWS says {}; every AWS SDK takes both.
    if (reply->body.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
    return std::move(reply->body);
  }

  const SqsClientOptions options;
  const std::string endpoint;
  const std::unique_ptr<SqsHttp> http;
  SqsCredentialSource& credentials;
  const Clock& clock;
  SqsRetries retries;
  SqsBill bill;
};

SqsClient::SqsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqsClient::~SqsClient() = default;

Result<std::unique_ptr<SqsClient>> SqsClient::make(const SqsClientOptions& options,
                                                   SqsCredentialSource& credentials,
                                                   const Clock& clock, Metrics& metrics) {
  if (!is_region(options.region)) {
    return fail(Errc::kInvalid, fmt::format("SQS: '{}' is no region: set AWS_REGION, as in "
                                            "AWS_REGION=eu-west-1",
                                            options.region));
  }
  auto endpoint =
      bare_endpoint(options.endpoint.empty() ? aws_endpoint(options.region) : options.endpoint);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (const auto proxy = options.proxies.find(*endpoint); !proxy) return fail("SQS", proxy.error());
  auto http = SqsHttp::make({.connect_timeout = options.connect_timeout,
                             .parallel_max = options.parallel_max,
                             .ca_file = options.ca_file,
                             .user_agent = options.user_agent,
                             .proxies = options.proxies});
  if (!http) return fail("SQS", http.error());
  return std::unique_ptr<SqsClient>(new SqsClient(std::make_unique<State>(
      options, std::move(*endpoint), std::move(*http), credentials, clock, metrics)));
}

std::vector<SqsReply> SqsClient::call_once(std::span<const SqsRequest> requests) {
  auto& state = *state_;
  std::vector<SqsReply> replies;
  const auto key = state.credentials.get();
  if (!key) {
    const Error error{key.error().code, "SQS: no credentials: " + key.error().message};
    replies.assign(requests.size(), std::unexpected(sqs_failure(error)));
    return replies;
  }
  std::vector<SqsHttpRequest> http_requests;
  for (const auto& request : requests) {
    http_requests.push_back(state.signed_request(request, *key));
  }
  auto http_replies = state.http->perform(http_requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    replies.push_back(state.judged(requests[i], std::move(http_replies[i]), *key));
  }
  return replies;
}

std::vector<SqsReply> SqsClient::call_all(std::span<const SqsRequest> requests) {
  auto attempts = begin_attempts();
  auto replies = call_once(requests);
  while (true) {
    std::vector<std::size_t> failed;
    std::vector<SqsRequest> again;
    auto worst = Errc::kUnavailable;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (replies[i] || !replies[i].error().passes) continue;
      failed.push_back(i);
      again.push_back(requests[i]);
      if (replies[i].error().error.code == Errc::kOverloaded) worst = Errc::kOverloaded;
    }
    if (failed.empty()) attempts.succeeded();
    if (failed.empty() || !attempts.again(worst)) return replies;
    auto more = call_once(again);
    for (std::size_t i = 0; i < failed.size(); ++i) replies[failed[i]] = std::move(more[i]);
  }
}

SqsReply SqsClient::call(const SqsRequest& request) {
  return std::move(call_all(std::span(&request, 1)).front());
}

SqsRetries::Attempts SqsClient::begin_attempts() { return state_->retries.begin(); }

void SqsClient::wait(std::chrono::milliseconds time) { state_->retries.wait(time); }

SqsBill& SqsClient::bill() { return state_->bill; }
const std::string& SqsClient::endpoint() const { return state_->endpoint; }

}  // namespace ia
