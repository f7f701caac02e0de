#include "api/series_encoding.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "api/json.h"
#include "api/times.h"

namespace ia {
namespace {

constexpr std::size_t kRowBytesMax = 4 * kDecimalBytesMax + 8;

// Bytes without a string's checks: the caller made room.
class Pen {
 public:
  explicit Pen(char* to) : begin_(to), to_(to) {}
  void put(char c) { *to_++ = c; }
  void put(std::string_view text) {
    std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
  }
  void put(std::int64_t value) { to_ = write_integer(to_, value); }
  void put_decimal(double value) { to_ = write_decimal(to_, value); }
  std::size_t size() const { return static_cast<std::size_t>(to_ - begin_); }

 private:
  char* begin_;
  char* to_;
};

// In epoch milliseconds: a minute has 6 x 10^4.
void put_time(Pen& pen, Minute minute) {
  const auto count = std::int64_t{minute.time_since_epoch().count()};
  pen.put(6 * count);
  if (count != 0) pen.put("0000");
}

void put_count(Pen& pen, double value, Aggregate how) {
  if (how == Aggregate::kAvg) {
    pen.put_decimal(value);
  } else {
    pen.put(static_cast<std::int64_t>(value));
  }
}

void put_ratio(Pen& pen, double followers, double following, std::string_view none) {
  if (following == 0) {
    pen.put(none);
  } else {
    pen.put_decimal(followers / following);
  }
}

// Calls write(pen, i) for each of `count` items, with room for kRowBytesMax each.
template <class Write>
void append_each(std::string& out, std::size_t count, Write write) {
  const auto before = out.size();
  out.resize_and_overwrite(before + count * kRowBytesMax, [&](char* to, std::size_t) {
    Pen pen(to + before);
    for (std::size_t i = 0; i < count; ++i) write(pen, i);
    return before + pen.size();
  });
}

void write_head(JsonWriter& json, const SeriesHead& head) {
  json.member("id", number_of(head.influencer));
  json.member("start", WallTime{head.range.begin});
  json.member("end", WallTime{head.range.end});
  json.member("step_seconds", std::chrono::seconds{head.step}.count());
  json.member("aggregate", head.aggregate_name);
}

// Calls write(pen, bucket) for every bucket of the range; the index is npos in a gap.
template <class Write>
void append_column(std::string& out, std::string_view name, const SeriesHead& head,
                   const Buckets& buckets, Write write) {
  out += ",\"";
  out += name;
  out += "\":[";
  auto begin = bucket_of(head.range.begin, head.step);
  std::size_t next = 0;
  append_each(out, bucket_count(head.range, head.step), [&](Pen& pen, std::size_t i) {
    if (i > 0) pen.put(',');
    const bool has_value = next < buckets.size() && buckets.begins[next] == begin;
    if (has_value) {
      write(pen, begin, next++);
    } else {
      write(pen, begin, std::string_view::npos);
    }
    begin += head.step;
  });
  out.push_back(']');
}

void append_count_column(std::string& out, std::string_view name, const SeriesHead& head,
                         const Buckets& buckets, const std::vector<double>& column) {
  append_column(out, name, head, buckets, [&](Pen& pen, Minute, std::size_t i) {
    if (i == std::string_view::npos) return pen.put("null");
    put_count(pen, column[i], head.how);
  });
}

}  // namespace

void encode_analytics(const Series& series, std::string& out) {
  out = R"({"data":[)";
  append_each(out, series.size(), [&](Pen& pen, std::size_t i) {
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
  append_each(out, buckets.size(), [&](Pen& pen, std::size_t i) {
    if (i > 0) pen.put(',');
    pen.put('[');
    put_time(pen, buckets.begins[i]);
    pen.put(',');
    put_count(pen, buckets.followers[i], head.how);
    pen.put(',');
    put_count(pen, buckets.following[i], head.how);
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
  append_each(out, buckets.size(), [&](Pen& pen, std::size_t i) {
    time.clear();
    append_time(time, buckets.begins[i], false);
    pen.put(time);
    pen.put(',');
    put_count(pen, buckets.followers[i], head.how);
    pen.put(',');
    put_count(pen, buckets.following[i], head.how);
    pen.put(',');
    put_ratio(pen, buckets.followers[i], buckets.following[i], "");
    pen.put("\r\n");
  });
}

}  // namespace ia
