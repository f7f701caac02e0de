// One request to the whole API: whatever is asked for, the server answers, with what it promises
// and never with a failure of its own. The first byte is the method; the first line is the target,
// the rest the body.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/test_world.h"

namespace {

using namespace ia;

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "DELETE", "PATCH"};
constexpr std::array kStatuses = {200, 201, 204, 304, 400, 404, 405, 409,
                                  410, 413, 414, 415, 422, 431, 503};

struct World : TestWorld {
  World() {
    const auto minute = now_minute();
    watch({{InfluencerId{100}, InfluencerId{119}}});
    for (int ago = 4; ago > 0; --ago) {
      add(minute - std::chrono::minutes{ago}, {{100, 500 + ago, 10}, {101, 900, 0}},
          {{InfluencerId{100}, "Anna"}}, {{InfluencerId{103}, MissReason::kTimeout}});
    }
    set_movers(0, minute - std::chrono::minutes{3}, {{100, 510, 0}, {101, 9, 0}});
    serve();
    if (!error.empty()) std::abort();
  }
  void forget_rules() {
    const auto rules = alerts.rules();
    if (!rules) std::abort();
    for (const auto& rule : *rules) (void)alerts.remove(rule.id);
    (void)alerts.add({.name = "r",
                      .influencers = {InfluencerId{100}},
                      .target = {.url = "http://a/", .secret = {}}});
  }
};

bool is_stream(std::string_view target) { return target.find("/stream") != target.npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const std::string input(data + 1, data + size);
  const auto line = std::min(input.find('\n'), input.size());
  auto target = input.substr(0, line);
  std::ranges::replace_if(
      target, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }, '+');
  if (!target.starts_with('/') || is_stream(target)) return 0;
  const auto method = kMethods[data[0] % kMethods.size()];
  const auto body = input.substr(std::min(line + 1, input.size()));
  const auto reply = method == "GET" ? world.get(target) : world.change(method, target, body);
  if (std::ranges::find(kStatuses, reply.status) == kStatuses.end()) std::abort();
  if (reply.status >= 400 && reply.body.empty()) std::abort();
  world.forget_rules();
  return 0;
}
