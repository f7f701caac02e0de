#pragma once

#include <optional>
#include <string>

namespace ia {

// Why nothing can be sent to a URL, for people, when that is plain from its text: the host is an
// address that is not one of the public internet (webhook_address.h), in whatever notation, or
// this machine. None where it may be fine: what a name stands for is looked at when it is sent to.
std::optional<std::string> private_target(const std::string& url);

}  // namespace ia
