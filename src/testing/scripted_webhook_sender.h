#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "ports/webhook.h"

namespace ia {

// A sender whose receivers answer what the test says. Nothing waits.
class ScriptedWebhookSender final : public WebhookSender {
 public:
  struct Sent {
    std::uint64_t key = 0;
    Webhook webhook;
  };

  void start(std::uint64_t key, Webhook webhook) override {
    sent.push_back({key, std::move(webhook)});
    if (!answers) return;
    done_.push_back({key, answers(sent.back().webhook)});
  }
  std::vector<Done> poll(std::chrono::milliseconds) override { return std::exchange(done_, {}); }
  void wake() override { ++wakes; }

  // The message that was sent as number `index` ends so.
  void end(std::size_t index, WebhookReply reply) {
    done_.push_back({sent.at(index).key, std::move(reply)});
  }

  std::vector<Sent> sent;
  std::function<WebhookReply(const Webhook&)> answers;  // none: only end() does
  int wakes = 0;

 private:
  std::vector<Done> done_;
};

}  // namespace ia
