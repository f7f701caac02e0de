#pragma once

#include <string>

namespace ia {

// What the client libraries of Prometheus say of a process, in the text exposition format, read
// from /proc: process_cpu_seconds_total, process_open_fds, process_max_fds,
// process_resident_memory_bytes, process_virtual_memory_bytes and process_start_time_seconds. What
// cannot be read is left out.
std::string process_metrics_text();

}  // namespace ia
