#pragma once

#include <expected>
#include <functional>
#include <string_view>

#include "api/observed.h"
#include "api/parameters.h"
#include "api/route.h"
#include "api/series/buckets.h"
#include "base/hash.h"
#include "http/problem.h"

namespace ia {

// What the routes that answer with series share.

inline constexpr std::uint64_t kPointsMax = 50'000;  // of an answer

// start, end, step and aggregate: at most 366 days, and kPointsMax buckets over all influencers.
SeriesCut take_cut(Parameters& parameters, WallTime now, std::size_t influencers);
// Whether reading so much may hold a thread longer than one of the server may be held: more than
// two days of one influencer.
bool takes_long(MinuteRange range, std::size_t influencers);

// start and end: at most 31 days.
MinuteRange take_month(Parameters& parameters, WallTime now);

// A 404 when nobody watches the influencer and it never had a value.
std::expected<Series, Problem> read_series(const ApiContext& context, Observed& observed,
                                           InfluencerId id, MinuteRange range);

void add(Hash64& hash, const SeriesCut& cut);
void add(Hash64& hash, InfluencerId id, const Series& series);

// Of what can no longer change: an ETag of the values, as the same ones give the same bytes. True
// when the client has them.
bool set_caching(const RouteRequest& request, MinuteRange range, Minute final_before,
                 const std::function<void(Hash64& hash)>& add_values, HttpResponse& response);

}  // namespace ia
