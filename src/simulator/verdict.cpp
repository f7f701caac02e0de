#include "simulator/verdict.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/ascii.h"

namespace ia {
namespace {

namespace dom = simdjson::dom;

constexpr double kSuspiciousRatio = 5.64;
constexpr std::size_t kBodyBytesMax = 100 * 1024;
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

std::string json_string(std::string_view text) {
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  std::string result = "\"";
  for (const char c : text) {
    const auto known = kEscaped.find(c);
    if (known != kEscaped.npos) {
      result += '\\';
      result += kLetters[known];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

double number_of_text(std::string_view text) {
  if (text.empty()) return 0;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : kNotANumber;
}

double number_of_element(const dom::element& element) {
  double number = 0;
  if (element.get(number) == simdjson::SUCCESS) return number;
  bool truth = false;
  if (element.get(truth) == simdjson::SUCCESS) return truth ? 1 : 0;
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return number_of_text(text);
  return element.is_null() ? 0 : kNotANumber;
}

bool is_suspicious(double followers, double following) {
  return followers / following <= kSuspiciousRatio;
}

double count_in(const dom::element& body, std::string_view key) {
  dom::element value;
  return body[key].get(value) == simdjson::SUCCESS ? number_of_element(value) : kNotANumber;
}

std::string refused(std::string_view body) {
  return fmt::format(R"({{"body":{},"status":400,"statusCode":400}})", json_string(body));
}

std::expected<SimulatedVerdict, std::string> judge_json(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool strict = first != text.npos && (text[first] == '{' || text[first] == '[');
  dom::parser parser;
  dom::element body;
  if (!strict || parser.parse(text).get(body) != simdjson::SUCCESS) {
    return std::unexpected(refused(text));
  }
  SimulatedVerdict verdict;
  dom::element pk;
  if (body["pk"].get(pk) == simdjson::SUCCESS) verdict.pk = simdjson::minify(pk);
  verdict.suspicious =
      is_suspicious(count_in(body, "followerCount"), count_in(body, "followingCount"));
  return verdict;
}

std::optional<std::string_view> form_field(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const auto end = std::min(form.find('&'), form.size());
    const auto pair = form.substr(0, end);
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return equals == pair.npos ? std::string_view{} : pair.substr(equals + 1);
    }
    form.remove_prefix(std::min(end + 1, form.size()));
  }
  return std::nullopt;
}

SimulatedVerdict judge_form(std::string_view form) {
  const auto count = [form](std::string_view name) {
    const auto text = form_field(form, name);
    return text ? number_of_text(*text) : kNotANumber;
  };
  SimulatedVerdict verdict{.suspicious =
                               is_suspicious(count("followerCount"), count("followingCount"))};
  if (const auto pk = form_field(form, "pk")) verdict.pk = json_string(*pk);
  return verdict;
}

std::optional<std::string> foreign_charset(std::string_view content_type) {
  const auto at = content_type.find("charset=");
  if (at == content_type.npos) return std::nullopt;
  const auto name = content_type.substr(at + 8);
  const auto charset = name.substr(0, name.find_first_of("; "));
  if (charset.starts_with("utf-")) return std::nullopt;
  return fmt::format(R"({{"charset":{}}})", json_string(charset));
}

std::string too_large(std::size_t size) {
  return fmt::format(
      R"({{"expected":{0},"length":{0},"limit":{1},"message":"request entity too large",)"
      R"("status":413,"statusCode":413,"type":"entity.too.large"}})",
      size, kBodyBytesMax);
}

}  // namespace

std::expected<SimulatedVerdict, std::string> judge(const Request& request) {
  if (!request.has_body) return SimulatedVerdict{};
  const auto content_type = lowered(request.content_type);
  const auto type = std::string_view(content_type).substr(0, content_type.find_first_of("; "));
  const bool json = type == "application/json";
  if (!json && type != "application/x-www-form-urlencoded") return SimulatedVerdict{};
  if (auto error = foreign_charset(content_type)) return std::unexpected(*error);
  if (request.body.size() > kBodyBytesMax) return std::unexpected(too_large(request.body.size()));
  if (json) return judge_json(request.body);
  return judge_form(request.body);
}

}  // namespace ia
