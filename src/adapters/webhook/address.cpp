#include "adapters/webhook/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace ia {
namespace {

struct Range4 {
  std::uint32_t first;
  int bits;
};
// The special-purpose addresses of IANA's registry that are not reachable globally, and multicast.
constexpr std::array kNotPublic4 = {
    Range4{0x00000000, 8},   // this network
    Range4{0x0a000000, 8},   // private
    Range4{0x64400000, 10},  // shared by customers of a provider
    Range4{0x7f000000, 8},   // loopback
    Range4{0xa9fe0000, 16},  // link-local: also where clouds serve credentials
    Range4{0xac100000, 12},  // private
    Range4{0xc0000000, 24},  // protocol assignments
    Range4{0xc0000200, 24},  // documentation
    Range4{0xc0586300, 24},  // 6to4 relays
    Range4{0xc0a80000, 16},  // private
    Range4{0xc6120000, 15},  // benchmarks
    Range4{0xc6336400, 24},  // documentation
    Range4{0xcb007100, 24},  // documentation
    Range4{0xe0000000, 4},   // multicast
    Range4{0xf0000000, 4},   // reserved, broadcast
};

bool is_public4(std::uint32_t address) {
  return std::ranges::none_of(kNotPublic4, [address](const Range4& range) {
    return (address ^ range.first) >> (32 - range.bits) == 0;
  });
}

using Bytes6 = std::array<std::uint8_t, 16>;

std::uint32_t last_four(const Bytes6& bytes) {
  std::uint32_t address = 0;
  for (std::size_t i = 12; i < 16; ++i) address = address << 8 | bytes[i];
  return address;
}

bool begins_with(const Bytes6& bytes, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool is_public6(const Bytes6& bytes) {
  const bool is_mapped = begins_with(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
  const bool is_translated = begins_with(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  if (is_mapped || is_translated) return is_public4(last_four(bytes));
  const bool is_global = (bytes[0] & 0xe0) == 0x20;                             // 2000::/3
  const bool is_assignment = begins_with(bytes, {0x20, 0x01}) && bytes[2] < 2;  // 2001::/23
  const bool is_documentation = begins_with(bytes, {0x20, 0x01, 0x0d, 0xb8}) ||
                                (begins_with(bytes, {0x3f, 0xff}) && bytes[2] < 0x10);  // 3fff::/20
  const bool is_6to4 = begins_with(bytes, {0x20, 0x02});
  return is_global && !is_assignment && !is_documentation && !is_6to4;
}

// The address may lie anywhere: it is copied, not cast.
template <class Address>
Address copied(const sockaddr& address) {
  Address copy;
  std::memcpy(&copy, &address, sizeof copy);
  return copy;
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public4(ntohl(copied<sockaddr_in>(address).sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  const auto v6 = copied<sockaddr_in6>(address);
  Bytes6 bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return is_public6(bytes);
}

std::string shown(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* done = nullptr;
  if (address.sa_family == AF_INET) {
    const auto v4 = copied<sockaddr_in>(address);
    done = ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.sa_family == AF_INET6) {
    const auto v6 = copied<sockaddr_in6>(address);
    done = ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return done == nullptr ? "an unknown address" : done;
}

}  // namespace ia
