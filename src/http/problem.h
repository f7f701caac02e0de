#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"

namespace ia {

// A parameter of the path or the query, and what is wrong with it: it says what is allowed.
struct ParameterError {
  std::string parameter;
  std::string detail;
};

// RFC 9457. `kind` ends the type, "urn:influencer-analytics:problem:<kind>"; without one the type
// is about:blank and the title is the status's own.
struct Problem {
  int status = 500;
  std::string_view kind{};   // a literal
  std::string_view title{};  // a literal; empty: the status's
  std::string detail{};      // for people: what is wrong and what to do
  std::vector<ParameterError> errors{};
  int retry_after_seconds = 0;  // 0: no Retry-After
};

Problem invalid_parameters(std::vector<ParameterError> errors);
// What the store says, in HTTP: 503 for what may pass, 500 for what will not.
Problem problem_of(const Error& error);

// Makes the response this problem. `instance` is what was asked for: at most 64 characters of it
// are shown.
void answer_problem(HttpResponse& response, const Problem& problem, std::string_view instance);

}  // namespace ia
