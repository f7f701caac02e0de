#include "base/time_text.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace ia {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A time in plain numbers.
struct Parts {
  explicit Parts(WallTime time) : Parts(time, std::chrono::floor<std::chrono::days>(time)) {}

  int year, month, day, hour, minute, second;
  unsigned weekday;

 private:
  Parts(WallTime time, std::chrono::sys_days days)
      : weekday(std::chrono::weekday{days}.c_encoding()) {
    const std::chrono::year_month_day date{days};
    year = static_cast<int>(date.year());
    month = static_cast<int>(static_cast<unsigned>(date.month()));
    day = static_cast<int>(static_cast<unsigned>(date.day()));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time - days).count();
    hour = static_cast<int>(seconds / 3'600);
    minute = static_cast<int>(seconds / 60 % 60);
    second = static_cast<int>(seconds % 60);
  }
};

}  // namespace

std::string date_text(WallTime time) {
  const Parts t(time);
  return fmt::format("{:04}-{:02}-{:02}", t.year, t.month, t.day);
}

std::string clock_text(WallTime time) {
  const Parts t(time);
  return fmt::format("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
}

std::string hour_minute_text(WallTime time) {
  const Parts t(time);
  return fmt::format("{:02}:{:02}", t.hour, t.minute);
}

std::string timestamp_text(WallTime time) {
  const Parts t(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.hour,
                     t.minute, t.second);
}

std::string http_date(WallTime time) {
  const Parts t(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[t.weekday], t.day,
                     kMonths[static_cast<std::size_t>(t.month) - 1], t.year, t.hour, t.minute,
                     t.second);
}

}  // namespace ia
