#include "http/answers.h"

#include "http/server_problems.h"

namespace ia {
namespace {

// Larger bodies are not copied.
constexpr std::size_t kCopiedBodyMax = 4 * 1024;

}  // namespace

void HttpAnswers::fill(const IpAddress& peer, HttpRequest& request) {
  response.clear();
  request.client = peer;
  if (const auto refused = shared_.gate.refuse(request, shared_.clock.mono())) {
    respond(refused->problem, request.target);
    response.headers += refused->headers;
  } else {
    call_handler(request);
    shared_.gate.answered(request, response.status, shared_.clock.mono());
  }
}

void HttpAnswers::call_handler(const HttpRequest& request) {
  try {
    shared_.handler(request, response);
    if (shared_.handling.is_failing()) shared_.handling.recovered("requests are answered again");
    return;
  } catch (const std::exception& failure) {
    shared_.handling.failing("a request failed, as may others", failure.what());
  }
  respond(handler_failed(), request.target);
}

void HttpAnswers::respond(const Problem& problem, std::string_view target) {
  const auto route = response.route;
  response.clear();
  response.route = route;
  answer_problem(response, problem, target);
}

// If-Match of a read; routes see to that of a change, which must not have happened.
void HttpAnswers::check_condition(const HttpRequest& request) {
  if (request.if_match.empty() || response.status != 200 || !is_read(request)) return;
  if (!response.is_stream && !matches_etag(request.if_match, response.etag)) {
    respond(precondition_failed(), request.target);
  }
}

void HttpAnswers::complete(const HttpRequest& request, AnswerWriter::Connection connection,
                           MonoTime began) {
  check_condition(request);
  finish(request, connection);
  const std::chrono::duration<double> took = shared_.clock.mono() - began;
  shared_.metrics.count(response.route, response.status, took.count());
}

std::size_t HttpAnswers::take_rest(std::size_t sent, std::string& rest) {
  if (sent >= out.size()) {
    rest = std::move(response.body);
    return sent - out.size();
  }
  rest.assign(out, sent);
  rest += response.body;
  return 0;
}

void HttpAnswers::refuse(const Problem& problem) {
  response.clear();
  answer_problem(response, problem, {});
  finish(HttpRequest{}, {.keeps = false});
  shared_.metrics.count(0, problem.status, 0);
}

void HttpAnswers::finish(const HttpRequest& request, AnswerWriter::Connection connection) {
  writer_.write(request, connection, shared_.clock.wall(), response, out);
  if (response.body.size() > kCopiedBodyMax) return;
  out += response.body;
  response.body.clear();
}

}  // namespace ia
