#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/gzip.h"
#include "http/message.h"

namespace ia {

// Turns responses into what goes over the wire. One thread at a time.
class AnswerWriter {
 public:
  struct Connection {
    bool keeps = true;
    bool is_http_10 = false;
  };

  // Bodies of more bytes are compressed when the client accepts it.

  // Answers HEAD and If-None-Match, compresses, and appends the status line and the fields to
  // `out`. What is left in response.body is to be sent behind them.
  void write(const HttpRequest& request, Connection connection, WallTime now,
             HttpResponse& response, std::string& out);

 private:
  bool compress(const HttpRequest& request, HttpResponse& response);
  void append_date(WallTime now, std::string& out);

  Gzip gzip_;
  std::string compressed_;
  WallTime date_of_{};  // the second that date_ tells
  std::string date_;
};

}  // namespace ia
