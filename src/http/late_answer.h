#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"

namespace ia {

// An answer that is not made on the server's thread. The handler keeps one and returns:
//   auto late = std::make_shared<LateAnswer>();
//   response.late = late;
//   give_to_another_thread([late] { if (late->is_wanted()) late->answer(make_it()); });
// The server waits for it (HttpServerOptions::answer_timeout, then the client gets a 503) and
// holds the requests that are pipelined behind it back. What the client wants of it (HEAD,
// If-None-Match, gzip) is seen to as always; what the request's views show has to be copied.
//
// An answer with is_stream has no end of its own: its body goes at once, then whatever is
// written, until end(), and then the connection is closed. It has no Content-Length, is never
// compressed, and its bytes are shared: one piece may go to any number of clients.
//
// Safe from any thread. No call waits for the network.
class LateAnswer {
 public:
  using Bytes = std::shared_ptr<const std::string>;
  // What may wait for a client that does not read; as much again is on its way.
  static constexpr std::size_t kWaitingBytesMax = 128 * 1024;

  // False when nobody waits any more: the client has left or was dropped, its time is up, or the
  // server stopped. Then all that follows does nothing. Seen within a quarter of a second.
  bool is_wanted() const;
  // The whole answer, or the head of the stream: once. Its `route` and `late` do not count.
  void answer(HttpResponse response);
  // The next piece of a stream. When more than kWaitingBytesMax wait, nothing more is taken and
  // the client is dropped, once it has read what is on its way or its write timeout is over: a
  // stream is whole or ends. False when it is not wanted.
  bool write(Bytes bytes);
  // Closes the connection once everything has gone.
  void end();

  // The rest is for the server. `wake` is called, perhaps on another thread, when there is
  // something to take that was not there before; never once close() has returned.
  enum class State : std::uint8_t { kOpen, kEnded, kOverrun };
  void attach(std::function<void()> wake);
  void close();
  bool is_answered() const;
  HttpResponse take_answer();
  // Appends what was written. What comes behind kEnded and kOverrun is nothing.
  State take(std::string& out);

 private:
  void wake();

  mutable std::mutex mutex_;
  std::function<void()> wake_;
  std::optional<HttpResponse> answer_;
  std::vector<Bytes> pieces_;
  std::size_t waiting_bytes_ = 0;
  State state_ = State::kOpen;
  bool is_wanted_ = true;
  bool is_woken_ = false;
};

}  // namespace ia
