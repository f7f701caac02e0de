#pragma once

#include <chrono>

#include "api/problem.h"

namespace ia {

// What the server says by itself, whatever the route.
Problem too_many_requests(double limit, std::chrono::nanoseconds wait);
Problem too_many_connections();
Problem too_many_streams();
Problem no_body_allowed();
Problem handler_failed();
Problem answer_too_late();

}  // namespace ia
