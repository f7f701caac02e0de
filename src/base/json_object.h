#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_order_mark.h"

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

// Reads the JSON object that a reply is, which holds as long as its parser reads nothing else.
// False where it is none. The types are simdjson's dom::parser and dom::object.
template <class Parser, class Object>
bool read_json_object(Parser& parser, std::string_view reply, Object& object) {
  const auto bare = without_byte_order_mark(reply);
  return !parser.parse(bare.data(), bare.size()).get(object);
}

}  // namespace ia
