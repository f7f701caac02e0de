#include "adapters/mockstagram/provider.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "base/byte_order_mark.h"

namespace ia {
namespace {

constexpr std::string_view kPath = "/api/v1/influencers/";
constexpr std::string_view kDenial = "InfluencerNotFoundError";

bool is_fit(std::string_view username) {
  if (username.empty() || username.size() > kUsernameBytesMax) return false;
  for (const char c : username) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;  // simdjson has checked the UTF-8
}

struct Body {
  std::optional<std::uint64_t> id;
  std::optional<std::int64_t> followers;
  std::optional<std::int64_t> following;
  std::optional<std::string_view> username;

  template <class Number, class Value>
  static bool set_once(std::optional<Number>& to, Value&& value) {
    Number number{};
    if (to || std::forward<Value>(value).get(number) != simdjson::SUCCESS) return false;
    to = number;
    return true;
  }

  bool take(const simdjson::dom::key_value_pair& field) {
    const auto& [key, value] = field;
    if (key == "pk") return set_once(id, value.get_uint64());
    if (key == "followerCount") return set_once(followers, value.get_int64());
    if (key == "followingCount") return set_once(following, value.get_int64());
    if (key == "username") return take_username(value);
    return true;
  }

  // A name that is not text or not fit costs the name, not the value; twice is malformed.
  bool take_username(const simdjson::dom::element& value) {
    if (username) return false;
    std::string_view text;
    const bool is_text = value.get_string().get(text) == simdjson::SUCCESS;
    username = is_text && is_fit(text) ? text : std::string_view{};
    return true;
  }

  bool is_whole() const {
    const auto in_range = [](std::optional<std::int64_t> count) {
      return count && *count >= 0 && *count <= kCountMax;
    };
    return id && in_range(followers) && in_range(following);
  }
};

class MockstagramDialect final : public HttpDialect {
 public:
  void append_path(std::string& out, InfluencerId influencer) const override {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number_of(influencer)).ptr;
    out.append(kPath);
    out.append(digits, end);
  }

  Judgement judge(InfluencerId influencer, const HttpReply& reply) override {
    using Kind = Judgement::Kind;
    if (!is_value(reply.status)) return is_denial(reply) ? denial() : judge_status(reply.status);
    Body body;
    if (reply.is_unreadable || !parse(reply.body, body)) {
      if (is_denial(reply)) return denial();
      return {.kind = Kind::kRetry, .reason = MissReason::kMalformed};
    }
    if (*body.id != number_of(influencer)) {
      return {.kind = Kind::kRetry, .reason = MissReason::kMalformed, .wrong_id = true};
    }
    return {.kind = Kind::kValue,
            .counts = {*body.followers, *body.following},
            .username = body.username.value_or(std::string_view{})};
  }

 private:
  static Judgement denial() {
    return {.kind = Judgement::Kind::kMiss, .reason = MissReason::kNotFound, .in_words = true};
  }

  // {"error":{"name":"InfluencerNotFoundError"}}, whatever else is in it. Not a page that mentions
  // the word.
  bool is_denial(const HttpReply& reply) {
    if (reply.is_unreadable || reply.body.find(kDenial) == std::string_view::npos) return false;
    simdjson::dom::object object;
    std::string_view name;
    return read(reply.body, object) &&
           object["error"]["name"].get_string().get(name) == simdjson::SUCCESS && name == kDenial;
  }

  // Reads all of the text, unlike the library's other parser, to which what nobody asks for may be
  // anything. The object holds until the next call.
  bool read(std::string_view text, simdjson::dom::object& object) {
    text = without_byte_order_mark(text);
    if (text.size() + simdjson::SIMDJSON_PADDING > padded_.size()) {
      padded_.resize(text.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(padded_.data(), text.data(), text.size());
    constexpr bool kCopy = false;
    return parser_.parse(padded_.data(), text.size(), kCopy).get(object) == simdjson::SUCCESS;
  }

  bool parse(std::string_view text, Body& body) {
    simdjson::dom::object object;
    return read(text, object) &&
           std::ranges::all_of(object, [&](const auto& field) { return body.take(field); }) &&
           body.is_whole();
  }

  simdjson::dom::parser parser_;
  std::string padded_ = std::string(4096, '\0');
};

}  // namespace

std::unique_ptr<HttpDialect> make_mockstagram_dialect() {
  return std::make_unique<MockstagramDialect>();
}

Result<std::unique_ptr<Provider>> make_mockstagram_provider(HttpLaneOptions options,
                                                            const Clock& clock, Metrics& metrics,
                                                            Log& log) {
  auto lane = HttpLane::create(std::move(options), make_mockstagram_dialect(), clock, metrics, log);
  if (!lane) return std::unexpected(lane.error());
  return std::unique_ptr<Provider>(std::move(*lane));
}

}  // namespace ia
