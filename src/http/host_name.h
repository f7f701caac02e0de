#pragma once

#include <string_view>

namespace ia {

// The Host field of a request: "host" or "host:port" (RFC 9110, section 7.2).

// Whether it is well-formed; empty is.
bool is_host_field(std::string_view host);
// The host in it; an IPv6 address keeps its brackets.
std::string_view without_port(std::string_view host);

// localhost, the names below it, 127.0.0.0/8 and [::1]: what no other machine can be called.
bool names_this_machine(std::string_view host);
// An IPv4 address as browsers understand it ("127.1" is one), or an IPv6 address in brackets: what
// no DNS server can make point elsewhere.
bool is_address(std::string_view host);

}  // namespace ia
