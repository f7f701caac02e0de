#include "api/client_address.h"

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

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\"");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\"") - begin + 1);
}

// "[::1]:80", "[::1]" and "1.2.3.4:80" as the address alone.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  const bool is_v6 = std::ranges::count(text, ':') > 1;
  return is_v6 ? text : text.substr(0, text.find(':'));
}

// Cuts the last element off a list with commas.
std::string_view take_last(std::string_view& list) {
  const auto comma = list.rfind(',');
  const auto element = comma == list.npos ? list : list.substr(comma + 1);
  list = comma == list.npos ? std::string_view{} : list.substr(0, comma);
  return trimmed(element);
}

}  // namespace

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
  const std::string ended(text);
  if (ended.find('\0') != ended.npos) return std::nullopt;
  ClientAddress address;
  if (::inet_pton(AF_INET6, ended.c_str(), address.bytes_.data()) == 1) return address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  if (::inet_pton(AF_INET, ended.c_str(), address.bytes_.data() + kMapped.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

ClientAddress ClientAddress::of_peer(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  ClientAddress address;
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

bool ClientAddress::is_v4() const {
  return std::ranges::equal(kMapped, std::span(bytes_).first(12));
}

bool ClientAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return number(bytes_.data(), 8) == 0 && number(bytes_.data() + 8, 8) == 1;
}

std::uint64_t ClientAddress::limit_key() const {
  return is_v4() ? number(bytes_.data() + 12, 4) : number(bytes_.data(), 8);
}

std::string ClientAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* bytes = is_v4() ? bytes_.data() + kMapped.size() : bytes_.data();
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto network = ClientAddress::parse(text.substr(0, slash));
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

bool AddressRange::contains(const ClientAddress& address) const {
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  const auto& ours = network_.bytes_;
  if (!std::equal(ours.begin(), ours.begin() + whole, address.bytes_.begin())) return false;
  const int rest = bits_ % 8;
  return rest == 0 || (ours[whole] ^ address.bytes_[whole]) >> (8 - rest) == 0;
}

ClientAddress client_behind(ClientAddress peer, std::string_view forwarded_for,
                            std::span<const AddressRange> trusted) {
  const auto is_trusted = [trusted](const ClientAddress& address) {
    return std::ranges::any_of(trusted, [&](const auto& range) { return range.contains(address); });
  };
  auto client = peer;
  while (!forwarded_for.empty() && is_trusted(client)) {
    const auto element = take_last(forwarded_for);
    if (element.empty()) continue;
    const auto before = ClientAddress::parse(without_port(element));
    if (!before) break;
    client = *before;
  }
  return client;
}

}  // namespace ia
