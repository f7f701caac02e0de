#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/json.h"
#include "core/point.h"

namespace ia {

// The digits of an influencer's id.
class IdDigits {
 public:
  explicit IdDigits(InfluencerId id)
      : end_(write_integer(digits_.data(), static_cast<std::int64_t>(number_of(id)))) {}
  IdDigits(const IdDigits&) = delete;
  IdDigits& operator=(const IdDigits&) = delete;
  std::string_view text() const { return {digits_.data(), end_}; }

 private:
  std::array<char, 20> digits_;
  const char* end_;
};

// "id":7,"id_str":"7": a number, and the same digits as text for readers whose numbers are doubles,
// which round ids above 2^53 (docs/decisions/0010-ids-as-numbers-and-as-text.md). Every id of an
// influencer in JSON is written by these two.
inline void write_id(JsonWriter& json, std::string_view name, InfluencerId id) {
  json.member(name, number_of(id));
  json.member(std::string(name) + "_str", IdDigits(id).text());
}

// "influencers":[7,8],"influencers_str":["7","8"]
template <class Ids>
void write_ids(JsonWriter& json, std::string_view name, const Ids& ids) {
  json.key(name);
  json.begin_array();
  for (const InfluencerId id : ids) json.integer(static_cast<std::int64_t>(number_of(id)));
  json.end_array();
  json.key(std::string(name) + "_str");
  json.begin_array();
  for (const InfluencerId id : ids) json.text(IdDigits(id).text());
  json.end_array();
}

}  // namespace ia
