#pragma once

#include <string>

#include "core/miss.h"

namespace ia {

// Why no new shards are taken.
struct FetchPause {
  std::string cause;                            // for people
  MissReason missed_as = MissReason::kOverrun;  // what is due meanwhile
};

}  // namespace ia
