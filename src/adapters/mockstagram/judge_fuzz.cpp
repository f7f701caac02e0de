// What the network says of an influencer: a verdict only when the body says one, and of this one.
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "adapters/mockstagram/judge.h"
#include "base/byte_order_mark.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(data, data + size);
  const ia::InfluencerId asked{1'000'001};
  const auto ruling = ia::parse_ruling(asked, body);
  if (!ruling) return 0;
  simdjson::dom::parser parser;
  simdjson::dom::object said;
  const auto bare = ia::without_byte_order_mark(body);
  if (parser.parse(bare.data(), bare.size()).get(said) != simdjson::SUCCESS) std::abort();
  bool suspicious = false;
  std::uint64_t pk = 0;
  if (said["suspicious"].get(suspicious) || suspicious != *ruling) std::abort();
  if (said["pk"].get(pk) || pk != number_of(asked)) std::abort();
  return 0;
}
