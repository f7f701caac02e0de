#pragma once

#include <chrono>

namespace ia {

// SIGINT and SIGTERM as values. Block them before the first thread starts, so that every thread
// inherits it; SIGPIPE is ignored from then on.
void block_stop_signals();

// True when one came within `wait`.
bool wait_for_stop_signal(std::chrono::milliseconds wait);

// From now on a further signal, or `patience` passing, ends the process at once with exit code 1.
// What was acknowledged stays safe: it is as good as a kill -9.
void leave_at_next_signal_or_after(std::chrono::seconds patience);

}  // namespace ia
