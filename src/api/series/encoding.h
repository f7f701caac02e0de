#pragma once

#include <string>
#include <string_view>

#include "api/series/buckets.h"
#include "base/json.h"
#include "core/point.h"
#include "ports/store.h"

namespace ia {

// What an answer with buckets is about.
struct SeriesHead {
  InfluencerId influencer{};
  SeriesCut cut{};
};

// The members start, end, step_seconds and aggregate.
void write_cut(JsonWriter& json, const SeriesCut& cut);

// Each replaces or extends `out`, which is reused for its memory: about 23 ns a row.

// The seed's form: {"data":[[ms,followers,following,ratio],...],"success":true}. The ratio is
// null when following is 0. Numbers: write_decimal in json.h.
void encode_analytics(const Series& series, std::string& out);
// {...,"columns":["time_ms",...],"rows":[[ms,followers,following,ratio],...]}.
void encode_rows(const SeriesHead& head, const Buckets& buckets, std::string& out);
// {...,"time_ms":[...],"follower_count":[...],...}: every bucket of the range, null in gaps.
void encode_columns(const SeriesHead& head, const Buckets& buckets, std::string& out);
// A header line, then a line a bucket that has a value; times in RFC 3339. Lines end in CRLF.
void encode_csv(const SeriesHead& head, const Buckets& buckets, std::string& out);
// InfluxDB line protocol, a line a bucket that has a value, times in nanoseconds:
// "influencer,id=7 follower_count=5i,following_count=2i,follower_ratio=2.5 1767225600000000000".
// Averages are floats; the ratio is not there when following is 0.
void encode_line_protocol(const SeriesHead& head, const Buckets& buckets, std::string& out);

}  // namespace ia
