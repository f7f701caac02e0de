#include "http/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "base/http_head.h"
#include "base/ip_address.h"

namespace ia {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_host_character(char c) {
  constexpr std::string_view kOthers = "-._~%!$&'()*+;=";
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || is_digit(c) || kOthers.find(c) != std::string_view::npos;
}

bool is_v6_in_brackets(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  const auto inner = host.substr(1, host.size() - 2);
  return inner.find(':') != inner.npos && IpAddress::parse(inner).has_value();
}

// "example.org." is the same name as "example.org".
std::string_view without_root(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port = colon != host.npos && (bracket == host.npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

bool is_host_field(std::string_view host) {
  const auto name = without_port(host);
  const auto port = host.substr(std::min(name.size() + 1, host.size()));
  if (!std::ranges::all_of(port, is_digit) || port.size() > 5) return false;
  if (name.empty()) return port.empty();
  return name.front() == '[' ? is_v6_in_brackets(name)
                             : std::ranges::all_of(name, is_host_character);
}

bool names_this_machine(std::string_view host) {
  constexpr std::string_view kLocalhost = "localhost";
  auto name = without_root(without_port(host));
  if (name.size() >= kLocalhost.size()) {
    const auto end = name.substr(name.size() - kLocalhost.size());
    const bool is_whole = end.size() == name.size() || name[name.size() - end.size() - 1] == '.';
    if (is_whole && http1::equals(end, kLocalhost)) return true;
  }
  if (is_v6_in_brackets(name)) name = name.substr(1, name.size() - 2);
  const auto address = IpAddress::parse(name);
  return address && address->is_loopback();
}

bool is_address(std::string_view host) {
  const auto name = without_root(without_port(host));
  if (name.starts_with('[')) return is_v6_in_brackets(name);
  in_addr ignored{};
  return !name.empty() && ::inet_aton(std::string(name).c_str(), &ignored) != 0;
}

}  // namespace ia
