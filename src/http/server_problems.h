#pragma once

#include <chrono>

#include "http/problem.h"

namespace ia {

// What the server says by itself, whatever the route.
Problem too_many_requests(double limit, std::chrono::nanoseconds wait);
Problem too_many_connections();
Problem too_many_streams();
// Of this client, or of all, too many bytes wait to be read.
Problem too_many_answers_unread();
Problem too_many_answers_waiting();
// Too many answers that take longer are asked for: by this client, or by all.
Problem too_many_waiting_of_client();
Problem too_many_waiting();
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
