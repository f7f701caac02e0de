#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/metrics.h"
#include "http/message.h"

namespace ia {

// Answers for an API whose process is still starting: /healthz and /metrics as always, and all
// else, /readyz too, with 503 and what the process is doing. Safe from any thread.
class Gate {
 public:
  Gate(Metrics& metrics, std::string version) : metrics_(metrics), version_(std::move(version)) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // "reading the newest values from the store"
  void say(std::string doing);
  // From now on `handler` answers.
  void open(HttpHandler handler);

  void answer(const HttpRequest& request, HttpResponse& response);

 private:
  std::shared_ptr<const HttpHandler> handler() const;
  void answer_closed(const HttpRequest& request, HttpResponse& response) const;

  Metrics& metrics_;
  const std::string version_;
  mutable std::mutex mutex_;
  std::string doing_ = "opening its parts";
  std::shared_ptr<const HttpHandler> handler_;
};

}  // namespace ia
