#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "simulator/session.h"

namespace {

using namespace ia;

std::string answers_to(std::string_view bytes, std::size_t cut) {
  SimulatorOptions options;
  options.influencers = InfluencerSet({{InfluencerId{1'000'000}, InfluencerId{1'000'009}}});
  Responder responder(options);
  Session session(responder);
  std::string out;
  session.receive(bytes.substr(0, cut), MonoTime{}, out);
  session.receive(bytes.substr(cut), MonoTime{}, out);
  session.take_due(MonoTime{} + std::chrono::hours(1), out);
  return out;
}

// A client that waits is asked for its body; how often depends on how the bytes arrive.
std::string without_continues(std::string text) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (auto at = text.find(kContinue); at != text.npos; at = text.find(kContinue)) {
    text.erase(at, kContinue.size());
  }
  return text;
}

}  // namespace

// Any bytes, cut anywhere: no crash, and the same answers as without the cut; only that an
// unfinished request is wrong may be noticed sooner.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(data + 1, data + size);
  const auto whole = without_continues(answers_to(bytes, bytes.size()));
  const auto cut = without_continues(answers_to(bytes, bytes.size() * data[0] / 256));
  if (!whole.starts_with(cut) && !cut.starts_with(whole)) std::abort();
  return 0;
}
