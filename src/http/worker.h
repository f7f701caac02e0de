#pragma once

#include <memory>
#include <vector>

#include "http/shared.h"

namespace ia {

// One thread of an HttpServer with the connections that it owns.
class HttpWorker {
 public:
  explicit HttpWorker(HttpShared& shared);
  // Join it before.
  ~HttpWorker();
  HttpWorker(const HttpWorker&) = delete;
  HttpWorker& operator=(const HttpWorker&) = delete;

  // Accepts for all of `workers`, in turn, from a listening TCP socket that it takes over. Call it
  // before any of them is started.
  void accept_from(int listening_socket, bool is_v6, std::vector<HttpWorker*> workers);
  void start();

  // Any thread; repeat them freely.
  void begin_stop();
  void join();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
