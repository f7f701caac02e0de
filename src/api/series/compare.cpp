#include "api/series/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

#include "api/id_json.h"
#include "api/series/encoding.h"
#include "api/series/pen.h"
#include "base/json.h"
#include "base/times.h"

namespace ia {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kValueBytesMax = kDecimalBytesMax + 1;
constexpr std::array<std::string_view, kComparedColumns> kNames = {
    "follower_count", "following_count", "follower_ratio"};
constexpr std::size_t kRatio = 2;

ComparedValues values_at(const Buckets& buckets, std::size_t i) {
  const auto followers = buckets.followers[i];
  const auto following = buckets.following[i];
  return {followers, following, following == 0 ? kNothing : followers / following};
}

double scaled(double value, double base, Scale scale) {
  if (scale == Scale::kAbsolute) return value;
  if (base == 0) return kNothing;
  return scale == Scale::kIndexed ? 100 * value / base : 100 * (value - base) / base;
}

// Whole numbers as such.
class Values {
 public:
  explicit Values(const CompareHead& head)
      : are_counts_whole_(head.scale == Scale::kAbsolute && head.cut.how != Aggregate::kAvg) {}

  void put(Pen& pen, double value, std::size_t column, std::string_view none) const {
    if (std::isnan(value)) {
      pen.put(none);
    } else if (are_counts_whole_ && column != kRatio) {
      pen.put(static_cast<std::int64_t>(value));
    } else {
      pen.put_decimal(value);
    }
  }

 private:
  bool are_counts_whole_;
};

void write_head(JsonWriter& json, const CompareHead& head) {
  write_cut(json, head.cut);
  json.member("scale", head.scale_name);
}

void append_list(std::string& out, std::size_t count, auto write) {
  out.push_back('[');
  append_each(out, count, kValueBytesMax, [&](Pen& pen, std::size_t i) {
    if (i > 0) pen.put(',');
    write(pen, i);
  });
  out.push_back(']');
}

void append_base(std::string& out, const CompareHead& head, const Compared& series) {
  if (!series.base_minute) {
    out += "null";
    return;
  }
  const Values values({.cut = head.cut});
  append_each(out, 1, 2 * kValueBytesMax * (kComparedColumns + 1), [&](Pen& pen, std::size_t) {
    pen.put("{\"time_ms\":");
    put_time(pen, *series.base_minute);
    for (std::size_t column = 0; column < kComparedColumns; ++column) {
      pen.put(",\"");
      pen.put(kNames[column]);
      pen.put("\":");
      values.put(pen, series.base[column], column, "null");
    }
    pen.put('}');
  });
}

void append_series(std::string& out, const CompareHead& head, const Compared& series) {
  const Values values(head);
  JsonWriter json(out);
  json.begin_object();
  write_id(json, "id", series.influencer);
  out += ",\"base\":";
  append_base(out, head, series);
  for (std::size_t column = 0; column < kComparedColumns; ++column) {
    const auto& entries = series.columns[column];
    out.append(",\"").append(kNames[column]).append("\":");
    append_list(out, entries.size(),
                [&](Pen& pen, std::size_t i) { values.put(pen, entries[i], column, "null"); });
  }
  out.push_back('}');
}

bool has_values(std::span<const Compared> series, std::size_t bucket) {
  return std::ranges::any_of(series, [bucket](const Compared& one) {
    return !std::isnan(one.columns[0][bucket]) || !std::isnan(one.columns[1][bucket]);
  });
}

// Calls begin(pen, minute), puts all values with commas before them, and calls end(pen).
void append_rows(std::string& out, const CompareHead& head, std::span<const Compared> series,
                 std::string_view none, auto begin, auto end) {
  const Values values(head);
  const auto room = (2 + series.size() * kComparedColumns) * kValueBytesMax;
  auto minute = bucket_of(head.cut.range.begin, head.cut.step);
  const auto count = bucket_count(head.cut.range, head.cut.step);
  for (std::size_t bucket = 0; bucket < count; ++bucket, minute += head.cut.step) {
    if (!has_values(series, bucket)) continue;
    append_each(out, 1, room, [&](Pen& pen, std::size_t) {
      begin(pen, minute);
      for (const auto& one : series) {
        for (std::size_t column = 0; column < kComparedColumns; ++column) {
          pen.put(',');
          values.put(pen, one.columns[column][bucket], column, none);
        }
      }
      end(pen);
    });
  }
}

// "follower_count_5", each put behind `before` and in front of `after`.
void append_names(std::string& out, std::span<const Compared> series, std::string_view before,
                  std::string_view after) {
  for (const auto& one : series) {
    for (const auto name : kNames) {
      out.append(before).append(name).append("_");
      out.append(std::to_string(number_of(one.influencer))).append(after);
    }
  }
}

}  // namespace

Compared lay_out(InfluencerId influencer, const Buckets& buckets, const SeriesCut& cut,
                 Scale scale) {
  Compared out{.influencer = influencer, .columns = {}, .base_minute = {}, .base = {}};
  const auto count = bucket_count(cut.range, cut.step);
  for (auto& column : out.columns) column.assign(count, kNothing);
  if (buckets.size() == 0) return out;
  const auto first = bucket_of(cut.range.begin, cut.step);
  out.base_minute = buckets.begins.front();
  out.base = values_at(buckets, 0);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto at = static_cast<std::size_t>((buckets.begins[i] - first) / cut.step);
    const auto values = values_at(buckets, i);
    for (std::size_t column = 0; column < kComparedColumns; ++column) {
      out.columns[column][at] = scaled(values[column], out.base[column], scale);
    }
  }
  return out;
}

void encode_compared_columns(const CompareHead& head, std::span<const Compared> series,
                             std::string& out) {
  out.clear();
  JsonWriter json(out);
  json.begin_object();
  write_head(json, head);
  out += ",\"time_ms\":";
  const auto first = bucket_of(head.cut.range.begin, head.cut.step);
  append_list(out, bucket_count(head.cut.range, head.cut.step), [&](Pen& pen, std::size_t i) {
    put_time(pen, first + static_cast<std::int64_t>(i) * head.cut.step);
  });
  out += ",\"series\":[";
  for (const auto& one : series) {
    if (&one != series.data()) out.push_back(',');
    append_series(out, head, one);
  }
  out += "]}";
}

void encode_compared_rows(const CompareHead& head, std::span<const Compared> series,
                          std::string& out) {
  out.clear();
  JsonWriter json(out);
  json.begin_object();
  write_head(json, head);
  write_ids(json, "influencers", series | std::views::transform(&Compared::influencer));
  out += ",\"columns\":[\"time_ms\"";
  append_names(out, series, ",\"", "\"");
  out += "],\"rows\":[";
  bool is_first = true;
  append_rows(
      out, head, series, "null",
      [&is_first](Pen& pen, Minute minute) {
        pen.put(std::exchange(is_first, false) ? "[" : ",[");
        put_time(pen, minute);
      },
      [](Pen& pen) { pen.put(']'); });
  out += "]}";
}

void encode_compared_csv(const CompareHead& head, std::span<const Compared> series,
                         std::string& out) {
  out = "minute";
  append_names(out, series, ",", "");
  out += "\r\n";
  std::string time;
  append_rows(
      out, head, series, "",
      [&time](Pen& pen, Minute minute) {
        time.clear();
        append_time(time, minute, false);
        pen.put(time);
      },
      [](Pen& pen) { pen.put("\r\n"); });
}

}  // namespace ia
