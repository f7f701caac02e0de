#pragma once

#include "app/config/cli.h"

namespace ia {

// Does what was asked for and gives the exit code: 0, or 1 after a failure that was told.
int run_command(const Invocation& invocation);

}  // namespace ia
