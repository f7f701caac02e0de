#include "net/http_date.h"

#include <ctime>
#include <string>

namespace ia {

std::optional<WallTime> parse_http_date(std::string_view text) {
  std::tm fields{};
  const std::string date(text);
  const char* rest = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return WallTime{std::chrono::seconds{timegm(&fields)}};
}

}  // namespace ia
