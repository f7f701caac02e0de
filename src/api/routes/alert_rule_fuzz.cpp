// The body of a request that makes or changes a rule: whatever it is, it makes a rule that can be
// stored and sent back, or at least one mistake that says where it is.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/alert_json.h"

namespace {

using namespace ia;

void check_that(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(data, data + size);
  const AlertRule before{.target = {.url = "http://a/", .secret = ""}};
  const auto rule = parse_alert_rule(body, before);
  if (!rule) {
    check_that(!rule.error().empty());
    for (const auto& error : rule.error()) check_that(!error.detail.empty());
    return 0;
  }
  check_that(check(*rule).empty());
  std::string written;
  JsonWriter json(written);
  write_alert_rule(json, *rule);
  const auto again = parse_alert_rule(written, *rule);
  check_that(again.has_value() && *again == *rule);
  return 0;
}
