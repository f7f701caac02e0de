#include "http/client_address.h"

#include <algorithm>
#include <optional>

#include "base/http_head.h"

namespace ia {
namespace {

std::string_view trimmed(std::string_view text, std::string_view what = " \t") {
  const auto begin = text.find_first_not_of(what);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

// "[::1]:80", "[::1]" and "1.2.3.4:80" as the address alone.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  const bool is_v6 = std::ranges::count(text, ':') > 1;
  return is_v6 ? text : text.substr(0, text.find(':'));
}

// Quotation marks have no backslash before them, or an even number.
bool is_quotation_mark(std::string_view text, std::size_t at) {
  if (text[at] != '"') return false;
  const auto before = text.substr(0, at);
  const auto last = before.find_last_not_of('\\');
  return (at - (last == text.npos ? 0 : last + 1)) % 2 == 0;
}

// Behind the last `mark` that is not in quotes; 0 without one. It looks from the right, so that a
// quotation mark that a client left open swallows nothing of what proxies appended.
std::size_t last_part(std::string_view text, char mark) {
  bool is_quoted = false;
  for (auto at = text.size(); at > 0; --at) {
    if (is_quotation_mark(text, at - 1)) is_quoted = !is_quoted;
    if (!is_quoted && text[at - 1] == mark) return at;
  }
  return 0;
}

// Cuts the last part off a list.
std::string_view take_last(std::string_view& list, char mark) {
  const auto begin = last_part(list, mark);
  const auto part = list.substr(begin);
  list = list.substr(0, begin == 0 ? 0 : begin - 1);
  return trimmed(part);
}

// The value of a parameter: a token or a quoted string. None of our addresses needs a backslash.
std::string_view unquoted(std::string_view value) {
  if (!value.starts_with('"')) return value;
  const bool is_whole = value.size() >= 2 && value.ends_with('"');
  return is_whole ? value.substr(1, value.size() - 2) : std::string_view{};
}

// The `for` of one element of Forwarded: empty where there is none, or more than one.
std::string_view node_of(std::string_view element) {
  std::string_view node;
  int count = 0;
  while (!element.empty()) {
    const auto pair = take_last(element, ';');
    const auto equals = std::min(pair.find('='), pair.size());
    if (!http1::equals(trimmed(pair.substr(0, equals)), "for") || equals == pair.size()) continue;
    node = unquoted(trimmed(pair.substr(equals + 1)));
    ++count;
  }
  return count == 1 ? node : std::string_view{};
}

}  // namespace

IpAddress client_behind(IpAddress peer, const ForwardedFields& said,
                        std::span<const AddressRange> trusted) {
  const bool is_x = !trimmed(said.x_forwarded_for).empty();
  auto rest = is_x ? said.x_forwarded_for : said.forwarded;
  auto client = peer;
  while (!rest.empty() && is_in(trusted, client)) {
    const auto element = take_last(rest, ',');
    if (element.empty()) continue;
    const auto before =
        IpAddress::parse(without_port(is_x ? trimmed(element, " \t\"") : node_of(element)));
    if (!before) break;
    client = *before;
  }
  return client;
}

}  // namespace ia
