#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "core/leaderboard.h"
#include "core/verdict_book.h"

namespace ia {

// The members id, id_str and username, which is null when it is empty.
void write_name(JsonWriter& json, InfluencerId id, std::string_view username);

// The members that every answer about an influencer's standing has, id to verdict; null where
// there is no value, and where the time of retrieval is not known. `verdicts` may be null;
// `username` stands in when the standing has none.
void write_standing(JsonWriter& json, InfluencerId id, const std::optional<Standing>& standing,
                    const VerdictBook* verdicts, std::string_view username = {});

double age_seconds(WallTime now, WallTime then);

}  // namespace ia
