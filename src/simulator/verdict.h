#pragma once

#include <expected>
#include <string>

#include "simulator/request.h"

namespace ia {

// What the network's own check for bought followers says of a posted influencer. It judges nothing
// but the two numbers in the body: suspicious when followerCount / followingCount <= 5.64. Numbers
// may be texts; what is missing makes the quotient no number, and that is not suspicious.
struct SimulatedVerdict {
  std::string pk{};  // as JSON, whatever it was; empty when there was none
  bool suspicious = false;
};

// On a body that Express refuses: the JSON of its error object, to be answered with 500. A body of
// another type than JSON or a form counts as none.
std::expected<SimulatedVerdict, std::string> judge(const Request& request);

}  // namespace ia
