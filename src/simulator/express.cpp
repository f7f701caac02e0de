#include "simulator/express.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/ascii.h"

namespace ia {
namespace {

constexpr std::string_view kInfluencers = "/api/v1/influencers/";
constexpr double kJavaScriptExact = 9'007'199'254'740'992;  // 2^53

std::string_view without_origin(std::string_view target) {
  if (!target.starts_with("http://")) return target;
  const auto slash = target.find('/', 7);
  return slash == target.npos ? "/" : target.substr(slash);
}

template <class Number, class... Base>
std::optional<Number> whole(std::string_view text, Base... base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> base_of(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return std::nullopt;
  constexpr std::string_view kLetters = "xXoObB";
  constexpr std::array<int, 3> kBases = {16, 8, 2};
  const auto letter = kLetters.find(text[1]);
  return letter == kLetters.npos ? std::nullopt : std::optional(kBases[letter / 2]);
}

}  // namespace

bool same_letters(std::string_view a, std::string_view b) {
  return lowered(a) == lowered(b);
}

std::string_view path_of(std::string_view target) {
  target = without_origin(target);
  return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
  const auto mark = target.find('?');
  return mark == target.npos ? std::string_view{} : target.substr(mark + 1);
}

std::optional<std::string_view> segment_of(std::string_view path) {
  if (path.size() <= kInfluencers.size()) return std::nullopt;
  if (!same_letters(path.substr(0, kInfluencers.size()), kInfluencers)) return std::nullopt;
  auto segment = path.substr(kInfluencers.size());
  if (segment.ends_with('/')) segment.remove_suffix(1);
  if (segment.empty() || segment.find('/') != segment.npos) return std::nullopt;
  return segment;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    const auto hex = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (error != std::errc{} || end != hex.data() + 2) return std::nullopt;
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

std::optional<std::uint64_t> javascript_number(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const auto begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return 0;
  text = text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
  if (const auto base = base_of(text)) return whole<std::uint64_t>(text.substr(2), *base);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  if (const auto digits = whole<std::uint64_t>(text)) return digits;
  const auto number = whole<double>(text);
  if (!number || *number != std::floor(*number) || *number > kJavaScriptExact) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace ia
