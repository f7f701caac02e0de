#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/alert.h"

namespace ia {

// A message to somebody's server.
struct Webhook {
  AlertTarget target;
  std::string id;    // of the message: the same in every attempt
  std::string body;  // JSON
};

// What came of sending it once.
struct WebhookReply {
  enum class Kind : std::uint8_t {
    kDelivered,  // 2xx
    kFailed,     // another answer, or none: it may go better later
    kRefused,    // it was not sent: the address is one that we do not send to. Nor will it be
    kGone,       // 410: the receiver wants no more
  };
  Kind kind = Kind::kFailed;
  int status = 0;        // 0: there was no answer
  std::string detail{};  // why it was not delivered; without the path of the URL
  std::optional<std::chrono::seconds> retry_after{};  // what the receiver asks for
  std::chrono::milliseconds took{};
};

// Sends webhooks, several at a time. One thread, but for wake.
class WebhookSender {
 public:
  struct Done {
    std::uint64_t key;
    WebhookReply reply;
  };

  virtual ~WebhookSender() = default;

  // Begins to send; its end comes from poll, with the key.
  virtual void start(std::uint64_t key, Webhook webhook) = 0;
  // What has ended. Waits for the first one, or for wake, at most so long.
  virtual std::vector<Done> poll(std::chrono::milliseconds wait) = 0;
  // Ends the wait, also the next one when nobody waits. Any thread.
  virtual void wake() = 0;
};

}  // namespace ia
