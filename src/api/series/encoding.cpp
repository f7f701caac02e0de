#include "api/series/encoding.h"

#include "api/id_json.h"
#include "api/series/pen.h"
#include "base/times.h"

namespace ia {
namespace {

constexpr std::size_t kRowBytesMax = 4 * kDecimalBytesMax + 8;
constexpr std::size_t kLineBytesMax = kRowBytesMax + 128;

void write_head(JsonWriter& json, const SeriesHead& head) {
  write_id(json, "id", head.influencer);
  write_cut(json, head.cut);
}

// Calls write(pen, bucket) for every bucket of the range; the index is npos in a gap.
template <class Write>
void append_column(std::string& out, std::string_view name, const SeriesHead& head,
                   const Buckets& buckets, Write write) {
  out += ",\"";
  out += name;
  out += "\":[";
  auto begin = bucket_of(head.cut.range.begin, head.cut.step);
  std::size_t next = 0;
  append_each(out, bucket_count(head.cut.range, head.cut.step), kRowBytesMax,
              [&](Pen& pen, std::size_t i) {
                if (i > 0) pen.put(',');
                const bool has_value = next < buckets.size() && buckets.begins[next] == begin;
                if (has_value) {
                  write(pen, begin, next++);
                } else {
                  write(pen, begin, std::string_view::npos);
                }
                begin += head.cut.step;
              });
  out.push_back(']');
}

void append_count_column(std::string& out, std::string_view name, const SeriesHead& head,
                         const Buckets& buckets, const std::vector<double>& column) {
  append_column(out, name, head, buckets, [&](Pen& pen, Minute, std::size_t i) {
    if (i == std::string_view::npos) return pen.put("null");
    put_count(pen, column[i], head.cut.how);
  });
}

}  // namespace

void write_cut(JsonWriter& json, const SeriesCut& cut) {
  json.member("start", WallTime{cut.range.begin});
  json.member("end", WallTime{cut.range.end});
  json.member("step_seconds", std::chrono::seconds{cut.step}.count());
  json.member("aggregate", cut.aggregate_name);
}

void encode_analytics(const Series& series, std::string& out) {
  out = R"({"data":[)";
  append_each(out, series.size(), kRowBytesMax, [&](Pen& pen, std::size_t i) {
    if (i > 0) pen.put(',');
    pen.put('[');
    put_time(pen, series.minutes[i]);
    pen.put(',');
    pen.put(series.followers[i]);
    pen.put(',');
    pen.put(series.following[i]);
    pen.put(',');
    put_ratio(pen, static_cast<double>(series.followers[i]),
              static_cast<double>(series.following[i]), "null");
    pen.put(']');
  });
  out += R"(],"success":true})";
}

void encode_rows(const SeriesHead& head, const Buckets& buckets, std::string& out) {
  out.clear();
  JsonWriter json(out);
  json.begin_object();
  write_head(json, head);
  out += R"(,"columns":["time_ms","follower_count","following_count","follower_ratio"],"rows":[)";
  append_each(out, buckets.size(), kRowBytesMax, [&](Pen& pen, std::size_t i) {
    if (i > 0) pen.put(',');
    pen.put('[');
    put_time(pen, buckets.begins[i]);
    pen.put(',');
    put_count(pen, buckets.followers[i], head.cut.how);
    pen.put(',');
    put_count(pen, buckets.following[i], head.cut.how);
    pen.put(',');
    put_ratio(pen, buckets.followers[i], buckets.following[i], "null");
    pen.put(']');
  });
  out += "]}";
}

void encode_columns(const SeriesHead& head, const Buckets& buckets, std::string& out) {
  out.clear();
  JsonWriter json(out);
  json.begin_object();
  write_head(json, head);
  append_column(out, "time_ms", head, buckets,
                [](Pen& pen, Minute begin, std::size_t) { put_time(pen, begin); });
  append_count_column(out, "follower_count", head, buckets, buckets.followers);
  append_count_column(out, "following_count", head, buckets, buckets.following);
  append_column(out, "follower_ratio", head, buckets, [&](Pen& pen, Minute, std::size_t i) {
    if (i == std::string_view::npos) return pen.put("null");
    put_ratio(pen, buckets.followers[i], buckets.following[i], "null");
  });
  out.push_back('}');
}

void encode_csv(const SeriesHead& head, const Buckets& buckets, std::string& out) {
  out = "minute,follower_count,following_count,follower_ratio\r\n";
  std::string time;
  append_each(out, buckets.size(), kRowBytesMax, [&](Pen& pen, std::size_t i) {
    time.clear();
    append_time(time, buckets.begins[i], false);
    put_csv_row(pen, time, buckets.followers[i], buckets.following[i], head.cut.how);
  });
}

void encode_line_protocol(const SeriesHead& head, const Buckets& buckets, std::string& out) {
  out.clear();
  const auto id = static_cast<std::int64_t>(number_of(head.influencer));
  // InfluxDB keeps one type a field: averages are fields of their own.
  const bool is_average = head.cut.how == Aggregate::kAvg;
  const std::string_view unit = is_average ? "" : "i";
  const std::string_view name_end = is_average ? "_avg=" : "=";
  append_each(out, buckets.size(), kLineBytesMax, [&](Pen& pen, std::size_t i) {
    pen.put("influencer,id=");
    pen.put(id);
    pen.put(" follower_count");
    pen.put(name_end);
    put_count(pen, buckets.followers[i], head.cut.how);
    pen.put(unit);
    pen.put(",following_count");
    pen.put(name_end);
    put_count(pen, buckets.following[i], head.cut.how);
    pen.put(unit);
    if (buckets.following[i] != 0) {
      pen.put(",follower_ratio");
      pen.put(name_end);
      pen.put_decimal(buckets.followers[i] / buckets.following[i]);
    }
    pen.put(' ');
    put_time(pen, buckets.begins[i]);
    pen.put("000000\n");
  });
}

}  // namespace ia
