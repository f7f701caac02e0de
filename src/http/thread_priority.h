#pragma once

#include <sys/resource.h>

namespace ia {

// Adds `steps` to the nice value of the calling thread alone, at most 19.
inline void lower_priority(int steps) {
  const int now = getpriority(PRIO_PROCESS, 0);  // of this thread, on Linux
  (void)setpriority(PRIO_PROCESS, 0, now + steps);
}

}  // namespace ia
