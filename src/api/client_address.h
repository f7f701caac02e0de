#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ia {

// The IPv4 or IPv6 address of a client; without a value it is ::, which no client has. An IPv4
// address that came as IPv6 (::ffff:192.0.2.1) is the same as the IPv4 address.
class ClientAddress {
 public:
  ClientAddress() = default;
  // "192.0.2.1", "2001:db8::1"; nothing for any other form.
  static std::optional<ClientAddress> parse(std::string_view text);
  // The other end of a connected TCP socket.
  static ClientAddress of_peer(int socket);

  bool is_v4() const;
  bool is_loopback() const;
  // What limits per client go by: the IPv4 address, or the first 64 bits of the IPv6 address.
  std::uint64_t limit_key() const;
  std::string text() const;

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;

 private:
  friend class AddressRange;
  std::array<std::uint8_t, 16> bytes_{};  // of IPv4: mapped into IPv6
};

// A network in CIDR notation, "10.0.0.0/8" or "fd00::/8", or a single address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const ClientAddress& address) const;

 private:
  ClientAddress network_;
  int bits_ = 128;
};

// Who sent a request that came from `peer` with these X-Forwarded-For elements, separated by
// commas: every trusted proxy vouches for the element that it appended, the last one, so the client
// is the rightmost address that is not trusted. Ports behind addresses are ignored. What is no
// address ends the walk: the proxy that sent it is the client then.
ClientAddress client_behind(ClientAddress peer, std::string_view forwarded_for,
                            std::span<const AddressRange> trusted);

}  // namespace ia
