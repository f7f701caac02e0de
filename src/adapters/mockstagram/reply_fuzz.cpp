#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "adapters/mockstagram/provider.h"

namespace {

// The counts that the other parser of the library, which reads the whole document, finds.
bool is_what_the_body_says(std::string_view body, std::uint64_t id, const ia::Counts& counts) {
  static simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string(body)).get(object)) return false;
  std::set<std::string_view> known;
  for (const auto field : object) {
    const bool matters = field.key == "pk" || field.key == "followerCount" ||
                         field.key == "followingCount" || field.key == "username";
    if (matters && !known.insert(field.key).second) return false;
  }
  std::uint64_t pk = 0;
  std::int64_t followers = -1;
  std::int64_t following = -1;
  if (object["pk"].get(pk) || object["followerCount"].get(followers) ||
      object["followingCount"].get(following)) {
    return false;
  }
  const auto in_range = [](std::int64_t count) { return count >= 0 && count <= ia::kCountMax; };
  return pk == id && in_range(followers) && in_range(following) && followers == counts.followers &&
         following == counts.following;
}

}  // namespace

// A body makes a value only when it says just that.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto dialect = ia::make_mockstagram_dialect();
  const std::string body(data, data + size);
  const auto judged =
      dialect->judge(ia::InfluencerId{1000001}, {.status = 200, .body = body, .retry_after = {}});
  if (judged.kind != ia::Judgement::Kind::kValue) return 0;
  if (!is_what_the_body_says(body, 1000001, judged.counts)) std::abort();
  if (judged.username.size() > ia::kUsernameBytesMax) std::abort();
  return 0;
}
