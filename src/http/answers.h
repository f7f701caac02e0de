#pragma once

#include <string>
#include <string_view>

#include "http/answer_writer.h"
#include "http/shared.h"

namespace ia {

// Makes the answers of one thread of an HttpServer: asks the gate and the handler, and writes heads
// and short bodies into `out`, ready to be sent. One thread.
class HttpAnswers {
 public:
  explicit HttpAnswers(HttpShared& shared) : shared_(shared) {}

  // What is to be sent: `out`, and then the body of `response`.
  std::string out;
  HttpResponse response;

  // Makes the response to a request that came from `peer`.
  void fill(const IpAddress& peer, HttpRequest& request);
  // Makes the response this problem; its route stays.
  void respond(const Problem& problem, std::string_view target);
  // Writes the response to a request that began at `began`.
  void complete(const HttpRequest& request, AnswerWriter::Connection connection, MonoTime began);
  // Makes `rest` what is left of `out` and the body after `sent` bytes, and returns where in it
  // that begins.
  std::size_t take_rest(std::size_t sent, std::string& rest);
  // Answers what is no request, as the last thing on its connection.
  void refuse(const Problem& problem);

 private:
  void call_handler(const HttpRequest& request);
  void check_condition(const HttpRequest& request);
  void finish(const HttpRequest& request, AnswerWriter::Connection connection);

  HttpShared& shared_;
  AnswerWriter writer_;
};

}  // namespace ia
