// A request target and its parameters: never a crash, and what is accepted is within its limits.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "api/paging/cursor.h"
#include "api/parameters.h"
#include "base/printable.h"
#include "http/target.h"

namespace {

using namespace ia;

constexpr std::array<std::string_view, 2> kWords = {"max", "min"};

void check(bool holds) {
  if (!holds) std::abort();
}

void read_parameters(std::string_view query) {
  const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  Parameters parameters(query, {"limit", "start", "step", "how", "cursor", "ids"});
  const auto limit = parameters.whole_number("limit", 20, 1, 100);
  check(limit >= 1 && limit <= 100);
  const auto start = parameters.time("start", now, now);
  check(start >= WallTime{} && start <= now);
  const auto step = parameters.step("step", std::chrono::minutes{1});
  check(step >= std::chrono::minutes{1} && step <= std::chrono::days{366});
  check(parameters.choice("how", kWords) < kWords.size());
  const auto ids = parameters.influencers("ids", 2, 3);
  check(ids.empty() || (ids.size() >= 2 && ids.size() <= 3 && ids[0] != ids[1]));
  if (const auto text = parameters.text("cursor")) {
    if (const auto cursor = decode_cursor(*text)) check(encode(*cursor) == *text);
  }
  if (!parameters.is_valid()) check(!parameters.problem().detail.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(excerpt(input).size() <= 67);
  const auto target = split_target(input);
  if (!target) return 0;
  check(target->path.starts_with('/'));
  Parameters none("", {});
  const auto id = none.influencer(target->path.substr(1));
  check(number_of(id) <= kInfluencerIdMax);
  read_parameters(target->query);
  return 0;
}
