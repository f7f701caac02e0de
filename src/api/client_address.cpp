#include "api/client_address.h"

#include <algorithm>

namespace ia {
namespace {

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

IpAddress client_behind(IpAddress peer, std::string_view forwarded_for,
                            std::span<const AddressRange> trusted) {
  const auto is_trusted = [trusted](const IpAddress& address) {
    return std::ranges::any_of(trusted, [&](const auto& range) { return range.contains(address); });
  };
  auto client = peer;
  while (!forwarded_for.empty() && is_trusted(client)) {
    const auto element = take_last(forwarded_for);
    if (element.empty()) continue;
    const auto before = IpAddress::parse(without_port(element));
    if (!before) break;
    client = *before;
  }
  return client;
}

}  // namespace ia
