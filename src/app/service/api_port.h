#pragma once

#include <memory>
#include <string>

#include "api/api.h"
#include "api/gate.h"
#include "app/config/config.h"
#include "http/server.h"

namespace ia {

// The port of the API. It is open from the start on, and says what the process is doing until it
// can serve: reading what a store has of a million influencers takes seconds. Stops when destroyed.
class ApiPort {
 public:
  static Result<std::unique_ptr<ApiPort>> open(const Config& config, Metrics& metrics, Log& log,
                                               const Clock& clock);

  void say(std::string doing) { gate_.say(std::move(doing)); }
  void serve(ApiContext context) { gate_.open(make_api_handler(std::move(context))); }
  void stop() { server_->stop(); }
  std::string url() const { return "http://" + server_->address(); }

 private:
  explicit ApiPort(Metrics& metrics);

  Gate gate_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace ia
