#include "adapters/sqs/failure.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include "base/json_object.h"
#include "net/proxy.h"

namespace ia {
namespace {

using Types = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view type, Types types) {
  return std::ranges::find(types, type) != types.end();
}

// "com.amazonaws.sqs#QueueDoesNotExist" and "AWS.SimpleQueueService.NonExistentQueue" lose what
// is before their last word.
std::string short_type(std::string_view type) {
  if (const auto colon = type.find(':'); colon != std::string_view::npos) {
    type = type.substr(0, colon);
  }
  if (const auto at = type.find_last_of("#."); at != std::string_view::npos) {
    type.remove_prefix(at + 1);
  }
  return std::string(type);
}

bool is_throttling(std::string_view type) {
  return is_one_of(type, {"RequestThrottled", "Throttling", "ThrottlingException",
                          "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
                          "SlowDown", "KmsThrottled", "RequestThrottledException"});
}

bool concerns_time(std::string_view type, std::string_view message) {
  return is_one_of(type, {"RequestExpired", "RequestTimeTooSkewed"}) ||
         message.find("Signature expired") != std::string_view::npos ||
         message.find("time is too large") != std::string_view::npos ||
         message.find("Signature not yet current") != std::string_view::npos;
}

bool concerns_credentials(std::string_view type) {
  return is_one_of(type, {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
                          "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"});
}

// What people can do about it.
std::string_view advice(std::string_view type) {
  if (is_one_of(type, {"QueueDoesNotExist", "NonExistentQueue"})) {
    return "; create it with: influencer-analytics queues create";
  }
  if (is_one_of(type, {"AccessDenied", "AccessDeniedException"})) {
    return "; the credentials lack a permission of SQS";
  }
  if (is_one_of(type, {"SignatureDoesNotMatch", "InvalidSignatureException"})) {
    return "; the secret access key does not belong to the access key, or the region is wrong";
  }
  if (concerns_credentials(type)) return "; see: influencer-analytics doctor";
  if (type == "OverLimit") return "; some 120,000 messages are in flight";
  if (type == "PurgeQueueInProgress") return "; a queue can be purged once in 60 s: wait";
  return "";
}

Errc code_of(std::string_view type, int status) {
  if (is_throttling(type) || status == 429) return Errc::kOverloaded;
  if (is_one_of(type, {"OverLimit", "PurgeQueueInProgress"})) return Errc::kOverloaded;
  if (is_one_of(type, {"QueueDoesNotExist", "NonExistentQueue"})) return Errc::kNotFound;
  if (status >= 500 || concerns_credentials(type)) return Errc::kUnavailable;
  if (type == "QueueDeletedRecently") return Errc::kUnavailable;
  return Errc::kInvalid;
}

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<std::chrono::sys_seconds> parse_date(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
}

std::string clock_advice(const std::string& date, WallTime now) {
  const auto theirs = parse_date(date);
  if (!theirs) return "; set this machine's clock";
  const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(now - *theirs).count();
  return fmt::format("; this machine's clock is {} s {}: set it", std::abs(ahead),
                     ahead < 0 ? "behind" : "ahead");
}

}  // namespace

SqsFailure sqs_failure(const SqsHttpReply& reply, WallTime now) {
  simdjson::dom::parser parser;
  simdjson::dom::object json;
  std::string_view full_type;
  std::string_view message;
  if (read_json_object(parser, reply.body, json)) {
    if (json["__type"].get(full_type) != simdjson::SUCCESS) full_type = "";
    if (json["message"].get(message) != simdjson::SUCCESS &&
        json["Message"].get(message) != simdjson::SUCCESS) {
      message = "";
    }
  }
  SqsFailure failure;
  failure.type = short_type(full_type);
  const auto code = code_of(failure.type, reply.status);
  failure.signature = concerns_credentials(failure.type);
  failure.passes = is_throttling(failure.type) || reply.status == 429 || reply.status >= 500 ||
                   failure.signature;
  auto text = with_proxy_advice(fmt::format("HTTP {}", reply.status),
                                static_cast<unsigned>(reply.status));
  if (!failure.type.empty()) text += " " + failure.type;
  if (!message.empty()) text += fmt::format(": {}", message);
  // A signature that came too late says that it does not match: the clock is what is wrong.
  text += concerns_time(failure.type, message) ? clock_advice(reply.date, now)
                                               : std::string(advice(failure.type));
  failure.error = {code, std::move(text)};
  return failure;
}

SqsFailure sqs_failure(const Error& no_reply) {
  return {.error = no_reply, .type = "", .passes = no_reply.code == Errc::kUnavailable};
}

SqsFailure sqs_entry_failure(std::string_view code, bool sender_fault, std::string_view message) {
  SqsFailure failure;
  failure.type = short_type(code);
  const bool throttled = is_throttling(failure.type);
  failure.passes = throttled || !sender_fault;
  const auto errc = throttled      ? Errc::kOverloaded
                    : sender_fault ? Errc::kInvalid
                                   : Errc::kUnavailable;
  failure.error = {errc, fmt::format("{}: {}{}", failure.type, message, advice(failure.type))};
  return failure;
}

}  // namespace ia
