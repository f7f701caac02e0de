// Whatever a server says, reading it ends well; whatever a body is, it travels and comes back.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "adapters/sqs/body.h"
#include "adapters/sqs/calls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto messages = ia::sqs_messages(bytes);
  if (messages) {
    for (const auto& message : *messages) {
      if (message.receipt.empty() || message.receive_count == 0) std::abort();
      if (message.sent_at < ia::WallTime{}) std::abort();
      (void)ia::sqs_decode_body(message.body);
    }
  }
  if (const auto attributes = ia::sqs_attributes_in(bytes)) {
    (void)ia::sqs_policy_receives_max(*attributes);
  }
  if (ia::sqs_outcomes(bytes, std::vector<ia::SqsEntry>(10)).size() != 10) std::abort();
  (void)ia::sqs_failure(ia::SqsHttpReply{.status = 400, .body = bytes, .date = bytes}, {});
  const auto text = ia::sqs_encode_body(bytes);
  if (!ia::is_sqs_text(text) || text.empty() || ia::sqs_decode_body(text) != bytes) std::abort();
  if (!ia::is_sqs_text(ia::sqs_clean_text(bytes, 100))) std::abort();
  return 0;
}
