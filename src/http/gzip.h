#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"

namespace ia {

// Shorter bodies are sent as they are.
inline constexpr std::size_t kGzipBytesMin = 1024;

// Compresses whole bodies; keeps its 270 KB of state from one to the next. One thread at a time.
class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // Replaces `out`. False when memory ran out; `out` is void then.
  bool compress(std::string_view body, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Replaces a long body by its compressed form, for a client that accepts it.
void compress(Gzip& gzip, HttpResponse& response);

}  // namespace ia
