#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/series/buckets.h"
#include "core/point.h"

namespace ia {

enum class Scale : std::uint8_t {
  kAbsolute,
  kIndexed,  // 100 x value / base
  kPercent,  // 100 x (value - base) / base
};

// Followers, following and their ratio; NaN is no value.
inline constexpr std::size_t kComparedColumns = 3;
using ComparedValues = std::array<double, kComparedColumns>;

// One influencer on an axis that several share: an entry in each column for every bucket of the
// cut's range.
struct Compared {
  InfluencerId influencer{};
  std::array<std::vector<double>, kComparedColumns> columns;
  // The first bucket that has values, and those as they are: what the scale refers to.
  std::optional<Minute> base_minute;
  ComparedValues base{};
};

// A column whose base is 0 or nothing has no values in a scale that divides by it.
Compared lay_out(InfluencerId influencer, const Buckets& buckets, const SeriesCut& cut,
                 Scale scale);

// What an answer is about.
struct CompareHead {
  SeriesCut cut{};
  Scale scale = Scale::kAbsolute;
  std::string_view scale_name{};
};

// Each replaces `out`; some 10 ns a value. Numbers: write_decimal in json.h; counts that are
// neither averaged nor scaled are whole.

// {...,"time_ms":[...],"series":[{"id":..,"id_str":..,"base":{..},"follower_count":[..],..},..]}:
// every bucket of the range, null in gaps.
void encode_compared_columns(const CompareHead& head, std::span<const Compared> series,
                             std::string& out);
// {...,"influencers":[...],"influencers_str":[...],"columns":["time_ms","follower_count_1",...],
// "rows":[[...],...]}: buckets in which somebody has a value.
void encode_compared_rows(const CompareHead& head, std::span<const Compared> series,
                          std::string& out);
// The same rows behind a header line; times in RFC 3339. Lines end in CRLF.
void encode_compared_csv(const CompareHead& head, std::span<const Compared> series,
                         std::string& out);

}  // namespace ia
