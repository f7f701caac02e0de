#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ia {

// Writes one JSON object, member by member. Texts must be UTF-8.
class SqsJsonObject {
 public:
  SqsJsonObject& text(std::string_view key, std::string_view value);
  SqsJsonObject& number(std::string_view key, std::int64_t value);
  // `json` is a whole JSON value.
  SqsJsonObject& json(std::string_view key, std::string_view json);
  std::string str() const { return json_ + "}"; }

 private:
  void begin(std::string_view key);
  std::string json_ = "{";
};

std::string sqs_quoted(std::string_view utf8);

}  // namespace ia
