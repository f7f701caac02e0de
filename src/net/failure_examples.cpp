#include "net/failure_examples.h"

#include "net/excerpt.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kLoggedEvery{1};
// Where nearly everything fails, the text of each failure would be most of the work.
constexpr milliseconds kKeptEvery{50};
constexpr std::size_t kShownBytes = 120;

bool is_logged(MissReason reason) {
  return reason != MissReason::kNotFound && reason != MissReason::kRateLimited;
}

std::string text_of(const FailureExamples::Failure& failure) {
  std::string text(failure.remark);
  if (failure.bytes.empty()) return text.empty() ? "no body" : text;
  return text + (text.empty() ? "" : ": ") + excerpt(failure.bytes, kShownBytes);
}

}  // namespace

const FailureExample* FailureExamples::note(const Failure& failure, WallTime wall, MonoTime now) {
  const auto is_due = [now](const std::optional<MonoTime>& last, milliseconds every) {
    return !last || now - *last >= every;
  };
  const std::scoped_lock lock(mutex_);
  auto& known = known_[static_cast<std::size_t>(failure.reason)];
  ++known.count;
  const bool speaks = is_logged(failure.reason) && is_due(known.logged_at, kLoggedEvery);
  if (!speaks && !is_due(known.kept_at, kKeptEvery)) return nullptr;
  known.kept_at = now;
  known.example = FailureExample{.reason = failure.reason,
                                 .influencer = failure.influencer,
                                 .status = failure.status,
                                 .text = text_of(failure),
                                 .at = wall};
  if (speaks) log(known, now);
  return &*known.example;
}

void FailureExamples::log(Known& known, MonoTime now) {
  const auto& failure = *known.example;
  known.logged_at = now;
  log_.warning("network", "requests fail: the newest of them",
               {{"reason", std::string(name_of(failure.reason))},
                {"influencer", std::to_string(number_of(failure.influencer))},
                {"network", authority_},
                {"status", failure.status == 0 ? "none" : std::to_string(failure.status)},
                {"reply", failure.text},
                {"since_last_line", std::to_string(known.count - known.logged)}});
  known.logged = known.count;
}

std::vector<FailureExample> FailureExamples::newest() const {
  const std::scoped_lock lock(mutex_);
  std::vector<FailureExample> examples;
  for (const auto& known : known_) {
    if (!known.example) continue;
    examples.push_back(*known.example);
    examples.back().count = known.count;
  }
  return examples;
}

}  // namespace ia
