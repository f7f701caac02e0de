#include "net/http_dialect.h"

namespace ia {

Judgement judge_status(unsigned status) {
  using Kind = Judgement::Kind;
  if (status == 404 || status == 410) return {.kind = Kind::kMiss, .reason = MissReason::kNotFound};
  const bool worth_another = status >= 500 || status == 408 || status == 425;
  return {.kind = worth_another ? Kind::kRetry : Kind::kMiss, .reason = MissReason::kServerError};
}

}  // namespace ia
