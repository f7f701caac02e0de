#pragma once

#include <span>
#include <string_view>

#include "base/ip_address.h"

namespace ia {

// Who sent a request that came from `peer` with these X-Forwarded-For elements, separated by
// commas: every trusted proxy vouches for the element that it appended, the last one, so the client
// is the rightmost address that is not trusted. Ports behind addresses are ignored. What is no
// address ends the walk: the proxy that sent it is the client then.
IpAddress client_behind(IpAddress peer, std::string_view forwarded_for,
                            std::span<const AddressRange> trusted);

}  // namespace ia
