#pragma once

#include <chrono>

namespace ia {

// SIGINT, SIGTERM and SIGHUP as values: each asks for a clean end. Block them before the first
// thread starts, so that every thread inherits it; SIGPIPE is ignored from then on. A SIGHUP that
// is ignored already, as nohup does, stays ignored.
void block_stop_signals();

// True when one came within `wait`.
bool wait_for_stop_signal(std::chrono::milliseconds wait);

// From now on a further signal, or `patience` passing, ends the process at once with exit code 1.
// What was acknowledged stays safe: it is as good as a kill -9, but for what is unfinished, as a
// demo's data, which is removed.
void leave_at_next_signal_or_after(std::chrono::seconds patience);

// For a command that does one thing and waits for no signal, in place of block_stop_signals: the
// first signal ends the process, as it would by default, after what is unfinished was removed
// (base/unfinished.h).
void discard_unfinished_at_stop_signal();

}  // namespace ia
