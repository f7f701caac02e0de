#include "net/proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace ia {
namespace {

constexpr std::string_view kDefaultPort = "1080";
constexpr std::string_view kBlanks = " \t\r\n";

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

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

bool is_port(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && end == digits.data() + digits.size() && value >= 1 &&
         value <= 65'535;
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

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  int bits = 0;  // 32 or 128
};

std::optional<Address> parse_address(std::string_view text) {
  Address address;
  const std::string copy(text);
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
  } else if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
  }
  return address.bits > 0 ? std::optional(address) : std::nullopt;
}

bool is_in(const Address& address, const Address& block, int bits) {
  if (address.bits != block.bits || bits < 0 || bits > block.bits) return false;
  for (int bit = 0; bit < bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    if (((address.bytes[byte] ^ block.bytes[byte]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

bool is_in(const Address& address, std::string_view block) {
  const auto slash = std::min(block.find('/'), block.size());
  const auto base = parse_address(split(block.substr(0, slash)).host);
  if (!base) return false;
  int bits = base->bits;
  const auto digits = block.substr(std::min(slash + 1, block.size()));
  const auto* end = digits.data() + digits.size();
  const bool has_bits = slash < block.size();
  if (has_bits && digits.empty()) return false;
  if (has_bits && std::from_chars(digits.data(), end, bits).ptr != end) return false;
  return is_in(address, *base, bits);
}

bool is_link_local(const Address& address) {
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
  const auto plain = user + ":" + password;
  std::string coded(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                                    reinterpret_cast<const unsigned char*>(plain.data()),
                                    static_cast<int>(plain.size()));
  coded.resize(static_cast<std::size_t>(size));
  return "Basic " + coded;
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
  const auto address = parse_address(host);
  if (address && is_link_local(*address)) return true;
  return std::ranges::any_of(exempt_, [&](const std::string& entry) {
    if (entry == "*") return true;
    const auto [name, its_port] = split(entry);
    if (!its_port.empty() && its_port != port) return false;
    return address ? is_in(*address, its_port.empty() ? entry : name) : is_name_in(host, name);
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

}  // namespace ia
