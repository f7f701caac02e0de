#pragma once

#include <chrono>
#include <string>

#include "base/error.h"

namespace ia {

// What the shell command writes to its standard output, at most 64 KiB. Its standard error is
// ours. kInvalid: it could not be run, failed, or took longer than `timeout` and was killed; the
// message never has its output, which may be secret.
Result<std::string> output_of_command(const std::string& command,
                                      std::chrono::milliseconds timeout);

}  // namespace ia
