#pragma once

#include <string>

#include "http/message.h"

namespace ia {

// A request that outlives the handler's call, for answers that are made on another thread.
class RequestCopy {
 public:
  explicit RequestCopy(const HttpRequest& request);
  RequestCopy(const RequestCopy&) = delete;
  RequestCopy& operator=(const RequestCopy&) = delete;

  const HttpRequest& get() const { return request_; }

 private:
  std::string bytes_;  // what the views show
  HttpRequest request_;
};

}  // namespace ia
