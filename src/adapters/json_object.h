#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ia {

// Writes one JSON object, member by member. Texts must be UTF-8.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& number(std::string_view key, std::int64_t value);
  // `json` is a whole JSON value.
  JsonObject& json(std::string_view key, std::string_view json);
  std::string str() const { return json_ + "}"; }

 private:
  void begin(std::string_view key);
  std::string json_ = "{";
};

std::string json_quoted(std::string_view utf8);

}  // namespace ia
