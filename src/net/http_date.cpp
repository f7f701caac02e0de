#include "net/http_date.h"

#include <ctime>
#include <string>

namespace ia {
namespace {

constexpr std::chrono::seconds kReadEvery{1};

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  std::tm fields{};
  const std::string date(text);
  const char* rest = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return WallTime{std::chrono::seconds{timegm(&fields)}};
}

void NetworkClock::read(std::string_view date, MonoTime now) {
  if (date.empty()) return;
  const std::scoped_lock lock(mutex_);
  if (time_ && now - time_->read_at < kReadEvery) return;
  if (const auto said = parse_http_date(date)) time_ = NetworkTime{*said, now};
}

std::optional<NetworkTime> NetworkClock::time() const {
  const std::scoped_lock lock(mutex_);
  return time_;
}

}  // namespace ia
