#pragma once

#include <span>
#include <string_view>

#include "base/ip_address.h"

namespace ia {

// What proxies say of a request's way: the elements of all fields of a name, separated by commas.
struct ForwardedFields {
  std::string_view x_forwarded_for{};
  std::string_view forwarded{};  // RFC 7239
};

// Who sent a request that came from `peer`: every trusted proxy vouches for the element that it
// appended, the last one, so the client is the rightmost address that is not trusted. Ports behind
// addresses are ignored. What is no address (unknown, _hidden, no `for` at all) ends the walk: the
// proxy that sent it is the client then. X-Forwarded-For is read where there is one, Forwarded
// elsewhere: a proxy that writes only the former passes on whatever a client writes into the other.
IpAddress client_behind(IpAddress peer, const ForwardedFields& said,
                        std::span<const AddressRange> trusted);

}  // namespace ia
