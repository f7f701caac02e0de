#pragma once

#include <chrono>

#include "api/problem.h"

namespace ia {

// What the server says by itself, whatever the route.
Problem too_many_requests(double limit, std::chrono::nanoseconds wait);
Problem too_many_connections();
Problem too_many_streams();
// A client that sent too many wrong tokens.
Problem too_many_wrong_tokens(std::chrono::nanoseconds wait);
Problem foreign_host(std::string_view host);
Problem compressed_body();
Problem no_body_allowed();
// If-Match names another version than the one there is.
Problem precondition_failed();
Problem handler_failed();
Problem answer_too_late();

}  // namespace ia
