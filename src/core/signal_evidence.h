#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/own_signals.h"

namespace ia {

// The sentences of findings, without the full stop.

struct ChangeEvidence {
  Minute begin;
  Minute end;
  std::int64_t size = 0;
  double score = 0;
};
// `stays`: nothing when it is too early to say.
std::string jump_evidence(const ChangeEvidence& change, std::optional<bool> stays,
                          std::chrono::minutes hold);
// Without a word on what came afterwards.
std::string change_evidence(const ChangeEvidence& change);
std::string surge_evidence(const ChangeEvidence& change);
std::string drip_evidence(const ChangeEvidence& change);

struct SawToothEvidence {
  Minute begin;
  Minute end;
  std::size_t runs = 0;
  std::int64_t smallest = 0;
  std::int64_t largest = 0;
};
std::string saw_tooth_evidence(const SawToothEvidence& saw_tooth);
std::string low_ratio_evidence(Counts counts, RatioStanding standing);

}  // namespace ia
