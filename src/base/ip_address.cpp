#include "base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace ia {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

std::uint64_t number(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < count; ++i) all = all << 8 | bytes[i];
  return all;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string ended(text);
  if (ended.find('\0') != ended.npos) return std::nullopt;
  IpAddress address;
  if (::inet_pton(AF_INET6, ended.c_str(), address.bytes_.data()) == 1) return address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  if (::inet_pton(AF_INET, ended.c_str(), address.bytes_.data() + kMapped.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

IpAddress IpAddress::of_peer(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  IpAddress address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return address;
  if (peer.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &peer, sizeof v4);
    std::ranges::copy(kMapped, address.bytes_.begin());
    std::memcpy(address.bytes_.data() + kMapped.size(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (peer.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &peer, sizeof v6);
    std::memcpy(address.bytes_.data(), &v6.sin6_addr, address.bytes_.size());
  }
  return address;
}

bool IpAddress::is_v4() const {
  return std::ranges::equal(kMapped, std::span(bytes_).first(12));
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return number(bytes_.data(), 8) == 0 && number(bytes_.data() + 8, 8) == 1;
}

std::uint64_t IpAddress::limit_key() const {
  return is_v4() ? number(bytes_.data() + 12, 4) : number(bytes_.data(), 8);
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* bytes = is_v4() ? bytes_.data() + kMapped.size() : bytes_.data();
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto network = IpAddress::parse(text.substr(0, slash));
  if (!network) return std::nullopt;
  AddressRange range;
  range.network_ = *network;
  if (slash == text.npos) return range;
  const auto digits = text.substr(slash + 1);
  const auto* end = digits.data() + digits.size();
  int bits = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, bits);
  const bool is_written_v4 = text.substr(0, slash).find(':') == text.npos;
  if (error != std::errc{} || stop != end || bits < 0 || bits > (is_written_v4 ? 32 : 128)) {
    return std::nullopt;
  }
  range.bits_ = is_written_v4 ? kMappedBits + bits : bits;
  return range;
}

bool AddressRange::contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  const auto& ours = network_.bytes_;
  if (!std::equal(ours.begin(), ours.begin() + whole, address.bytes_.begin())) return false;
  const int rest = bits_ % 8;
  return rest == 0 || (ours[whole] ^ address.bytes_[whole]) >> (8 - rest) == 0;
}

bool is_in(std::span<const AddressRange> ranges, const IpAddress& address) {
  return std::ranges::any_of(ranges, [&](const auto& range) { return range.contains(address); });
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end && 1 <= port && port <= 65'535;
}

}  // namespace ia
