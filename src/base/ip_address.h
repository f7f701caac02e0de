#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ia {

// An IPv4 or IPv6 address; without a value it is ::, which nobody has. An IPv4 address that came as
// IPv6 (::ffff:192.0.2.1) is the same as the IPv4 address.
class IpAddress {
 public:
  IpAddress() = default;
  // "192.0.2.1", "2001:db8::1"; nothing for any other form.
  static std::optional<IpAddress> parse(std::string_view text);
  // The other end of a connected TCP socket.
  static IpAddress of_peer(int socket);

  bool is_v4() const;
  bool is_loopback() const;
  // What limits per client go by: the IPv4 address, or the first 64 bits of the IPv6 address.
  std::uint64_t limit_key() const;
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  friend class AddressRange;
  std::array<std::uint8_t, 16> bytes_{};  // of IPv4: mapped into IPv6
};

// A network in CIDR notation, "10.0.0.0/8" or "fd00::/8", or a single address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress network_;
  int bits_ = 128;
};

// Whether one of the ranges contains the address.
bool is_in(std::span<const AddressRange> ranges, const IpAddress& address);

// The digits of a TCP port that can be connected to, 1 to 65535, and nothing else.
bool is_port(std::string_view text);

}  // namespace ia
