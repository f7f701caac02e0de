#include "api/series/damage.h"

#include <algorithm>

#include "base/time_text.h"

namespace ia {
namespace {

std::vector<MinuteRange> joined(std::vector<MinuteRange> ranges) {
  std::ranges::sort(ranges, {}, &MinuteRange::begin);
  std::vector<MinuteRange> all;
  for (const auto& range : ranges) {
    const bool touches = !all.empty() && range.begin <= all.back().end;
    if (touches || all.size() == kDamagedRangesMax) {
      all.back().end = std::max(all.back().end, range.end);
    } else {
      all.push_back(range);
    }
  }
  return all;
}

}  // namespace

void tell_damage(std::vector<MinuteRange> ranges, HttpResponse& response) {
  if (ranges.empty()) return;
  std::string text;
  for (const auto& range : joined(std::move(ranges))) {
    if (!text.empty()) text += ", ";
    text += timestamp_text(range.begin) + "/" + timestamp_text(range.end);
  }
  response.headers += "X-Damaged: " + text + "\r\n";
}

}  // namespace ia
