#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/miss.h"
#include "core/point.h"
#include "net/reply_parser.h"

namespace ia {

// What a reply means for the influencer that was asked for.
struct Judgement {
  enum class Kind : std::uint8_t {
    kValue,
    kMiss,   // final: asking again would not help
    kRetry,  // trouble of the network's: ask again while there is time
  };
  Kind kind = Kind::kRetry;
  MissReason reason = MissReason::kMalformed;
  Counts counts{};
  std::string_view username{};  // valid until the next judgement
  bool wrong_id = false;        // replies are crossed: the connection is not to be trusted
  bool in_words = false;        // a kNotFound that the body says in the network's own words
};

// What a lane must know of a social network: a path and what replies mean. One thread.
class HttpDialect {
 public:
  virtual ~HttpDialect() = default;
  virtual void append_path(std::string& out, InfluencerId influencer) const = 0;
  virtual Judgement judge(InfluencerId influencer, const HttpReply& reply) = 0;
};

// 200, and 203: 200 as a proxy on the way changed it.
constexpr bool is_value(unsigned status) { return status == 200 || status == 203; }

// What most networks mean by a status that is not 200: 404 and 410 deny the influencer; after 408,
// 425 and 5xx asking again may help; the rest is final. (429 never comes here: the lane waits.)
Judgement judge_status(unsigned status);

}  // namespace ia
