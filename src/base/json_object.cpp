#include "base/json_object.h"

namespace ia {

std::string json_quoted(std::string_view utf8) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  quoted.reserve(utf8.size() + 2);
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted += '"';
}

void JsonObject::begin(std::string_view key) {
  if (json_.size() > 1) json_ += ',';
  json_ += json_quoted(key);
  json_ += ':';
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  return json(key, json_quoted(value));
}

JsonObject& JsonObject::number(std::string_view key, std::int64_t value) {
  return json(key, std::to_string(value));
}

JsonObject& JsonObject::json(std::string_view key, std::string_view json) {
  begin(key);
  json_ += json;
  return *this;
}

}  // namespace ia
