#pragma once

#include <string>
#include <string_view>

#include "adapters/sqs/http.h"
#include "base/clock.h"
#include "base/error.h"

namespace ia {

// Why SQS did not do what it was asked.
struct SqsFailure {
  Error error{};
  std::string type{};      // "QueueDoesNotExist"; empty when there was no whole reply
  bool passes = false;     // the same request may succeed in a moment
  bool signature = false;  // new credentials may help
};

// What a reply of another status than 200 says. `now` tells how far the clock is off when SQS
// refuses the time of a signature.
SqsFailure sqs_failure(const SqsHttpReply& reply, WallTime now);
SqsFailure sqs_failure(const Error& no_reply);
// An entry of a batch's "Failed".
SqsFailure sqs_entry_failure(std::string_view code, bool sender_fault, std::string_view message);

}  // namespace ia
