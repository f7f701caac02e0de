#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "api/series/buckets.h"
#include "base/json.h"

namespace ia {

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
inline void put_time(Pen& pen, Minute minute) {
  const auto count = std::int64_t{minute.time_since_epoch().count()};
  pen.put(6 * count);
  if (count != 0) pen.put("0000");
}

inline void put_count(Pen& pen, double value, Aggregate how) {
  if (how == Aggregate::kAvg) {
    pen.put_decimal(value);
  } else {
    pen.put(static_cast<std::int64_t>(value));
  }
}

inline void put_ratio(Pen& pen, double followers, double following, std::string_view none) {
  if (following == 0) {
    pen.put(none);
  } else {
    pen.put_decimal(followers / following);
  }
}

// A row of CSV from the minute on, as every writer of CSV ends one: RFC 4180.
inline void put_csv_row(Pen& pen, std::string_view minute, double followers, double following,
                        Aggregate how) {
  pen.put(minute);
  pen.put(',');
  put_count(pen, followers, how);
  pen.put(',');
  put_count(pen, following, how);
  pen.put(',');
  put_ratio(pen, followers, following, "");
  pen.put("\r\n");
}
inline void put_csv_row(Pen& pen, std::string_view minute, const Counts& counts) {
  pen.put(minute);
  pen.put(',');
  pen.put(counts.followers);
  pen.put(',');
  pen.put(counts.following);
  pen.put(',');
  put_ratio(pen, static_cast<double>(counts.followers), static_cast<double>(counts.following), "");
  pen.put("\r\n");
}

// Calls write(pen, i) for each of `count` items, with room for `room` bytes each.
template <class Write>
void append_each(std::string& out, std::size_t count, std::size_t room, Write write) {
  const auto before = out.size();
  out.resize_and_overwrite(before + count * room, [&](char* to, std::size_t) {
    Pen pen(to + before);
    for (std::size_t i = 0; i < count; ++i) write(pen, i);
    return before + pen.size();
  });
}

}  // namespace ia
