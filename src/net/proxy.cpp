#include "net/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "net/base64.h"

namespace ia {
namespace {

constexpr std::string_view kDefaultPort = "1080";
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

struct Authority {
  std::string_view host;  // without brackets
  std::string_view port;  // empty: none is given
};

Authority split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = std::min(text.find(']'), text.size());
    const auto rest = text.substr(std::min(end + 1, text.size()));
    return {text.substr(1, end - 1), rest.starts_with(':') ? rest.substr(1) : ""};
  }
  const auto colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// Of a URL with a scheme: between "://" and what follows the host.
std::string_view authority_in(std::string_view url) {
  const auto begin = url.find("://");
  auto text = url.substr(begin == url.npos ? 0 : begin + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  return text.substr(text.rfind('@') + 1);
}

bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}@/?#").find(c) == std::string::npos;
  });
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const auto hex = text.substr(i + 1 > text.size() ? text.size() : i + 1, 2);
    const bool is_escape =
        text[i] == '%' && hex.size() == 2 &&
        std::from_chars(hex.data(), hex.data() + 2, byte, 16).ptr == hex.data() + 2;
    out += is_escape ? static_cast<char>(byte) : text[i];
    if (is_escape) i += 2;
  }
  return out;
}

// An IPv4 address that is written as IPv6 is in blocks of IPv6 alone, as for curl.
bool is_in(std::string_view address, std::string_view block) {
  const auto slash = std::min(block.find('/'), block.size());
  const auto base = split(block.substr(0, slash)).host;
  const auto is_v6 = [](std::string_view text) { return text.find(':') != text.npos; };
  const auto parsed = IpAddress::parse(address);
  const auto range = AddressRange::parse(std::string(base).append(block.substr(slash)));
  return parsed && range && is_v6(address) == is_v6(base) && range->contains(*parsed);
}

bool is_link_local(std::string_view address) {
  constexpr std::array kBlocks = {"169.254.0.0/16", "fe80::/10", "fd00:ec2::254"};
  return std::ranges::any_of(kBlocks, [&](const char* block) { return is_in(address, block); });
}

bool is_name_in(std::string_view host, std::string_view domain) {
  while (domain.starts_with('.')) domain.remove_prefix(1);
  while (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || !host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> found;
  const std::string between = "," + std::string(kBlanks);
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(between), list.size()));
    if (list.empty()) return found;
    const auto element = list.substr(0, list.find_first_of(between));
    found.push_back(lowered(element));
    list.remove_prefix(element.size());
  }
}

}  // namespace

std::string HttpProxy::authority() const {
  const bool is_six = host.find(':') != host.npos;
  return fmt::format("{}{}{}:{}", is_six ? "[" : "", host, is_six ? "]" : "", port);
}

std::string HttpProxy::authorization() const {
  if (user.empty() && password.empty()) return {};
  return "Basic " + base64(user + ":" + password);
}

Proxies::Proxies(const Environment& environment) {
  const auto first_of = [&](std::initializer_list<const char*> names) -> Source {
    for (const auto* name : names) {
      if (const auto* value = environment(name)) return {name, std::string(trimmed(value))};
    }
    return {};
  };
  const bool is_cgi = environment("REQUEST_METHOD") != nullptr;
  https_ = first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  http_ = is_cgi ? first_of({"http_proxy", "all_proxy", "ALL_PROXY"})
                 : first_of({"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
  exempt_ = elements(first_of({"no_proxy", "NO_PROXY"}).text);
}

Proxies Proxies::of_process() {
  return Proxies([](const char* name) -> const char* { return std::getenv(name); });
}

Result<std::optional<HttpProxy>> Proxies::find(std::string_view url) const {
  const bool is_https = lowered(url.substr(0, 8)).starts_with("https:");
  const auto [host, port] = split(authority_in(url));
  const auto& source = is_https ? https_ : http_;
  const auto its_port = port.empty() ? std::string_view(is_https ? "443" : "80") : port;
  if (source.text.empty() || is_exempt(lowered(host), its_port)) return std::nullopt;
  return parse(source);
}

bool Proxies::is_exempt(std::string_view host, std::string_view port) const {
  while (host.ends_with('.')) host.remove_suffix(1);
  if (is_link_local(host)) return true;
  const bool is_address = IpAddress::parse(host).has_value();
  return std::ranges::any_of(exempt_, [&](const std::string& entry) {
    if (entry == "*") return true;
    const auto [name, its_port] = split(entry);
    if (!its_port.empty() && its_port != port) return false;
    return is_address ? is_in(host, its_port.empty() ? entry : name) : is_name_in(host, name);
  });
}

Result<std::optional<HttpProxy>> Proxies::parse(const Source& source) {
  std::string_view rest = source.text;
  const auto scheme_end = rest.find("://");
  const auto scheme = lowered(rest.substr(0, scheme_end == rest.npos ? 0 : scheme_end));
  if (scheme_end != rest.npos) rest.remove_prefix(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("/?#", rest.rfind('@') + 1));
  const auto at = rest.rfind('@');
  const auto userinfo = rest.substr(0, at == rest.npos ? 0 : at);
  const auto [host, port] = split(rest.substr(at + 1));
  const bool is_spoken = scheme.empty() || scheme == "http";
  if (!is_spoken || !is_host(host) || !(port.empty() || is_port(port))) {
    return fail(Errc::kInvalid,
                fmt::format("the proxy in {} ({}{}{}) cannot be used: it must be "
                            "http://[USER:PASSWORD@]HOST[:PORT]; unset the variable, or name the "
                            "hosts that are asked directly in NO_PROXY",
                            source.variable, scheme.empty() ? "" : scheme + "://",
                            at == rest.npos ? "" : "***@", rest.substr(at + 1).substr(0, 100)));
  }
  const auto colon = std::min(userinfo.find(':'), userinfo.size());
  return HttpProxy{.host = std::string(host),
                   .port = std::string(port.empty() ? kDefaultPort : port),
                   .user = unescaped(userinfo.substr(0, colon)),
                   .password = unescaped(userinfo.substr(std::min(colon + 1, userinfo.size())))};
}

std::string_view proxy_advice(unsigned status) {
  constexpr unsigned kWantsCredentials = 407;
  if (status != kWantsCredentials) return {};
  return "put the user and the password into the proxy's URL, http://USER:PASSWORD@HOST:PORT "
         "(docs/network.md)";
}

std::string with_proxy_advice(std::string text, unsigned status) {
  const auto advice = proxy_advice(status);
  if (!advice.empty()) text.append(": ").append(advice);
  return text;
}

std::string_view tunnel_advice(unsigned status) {
  if (status == 403) return "the proxy has to allow this host and port";
  return proxy_advice(status);
}

}  // namespace ia
