#pragma once

#include <optional>
#include <string_view>

#include "api/json.h"
#include "core/leaderboard.h"

namespace ia {

// The members that every answer about an influencer's standing has, id to dense_rank; null where
// there is no value. `username` stands in when the standing has none.
void write_standing(JsonWriter& json, InfluencerId id, const std::optional<Standing>& standing,
                    std::string_view username = {});

double age_seconds(WallTime now, WallTime then);

}  // namespace ia
