#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/point.h"
#include "http/problem.h"

namespace ia {

// The parameters of one request. Every mistake is collected, so that a client sees all of them at
// once; a getter whose parameter is missing or wrong returns the default.
class Parameters {
 public:
  // Notes unknown, repeated and badly escaped ones. `known` are literals.
  Parameters(std::string_view query, std::initializer_list<std::string_view> known);

  // Nothing when it is not given. An empty value counts as given.
  std::optional<std::string_view> text(std::string_view name) const;
  std::uint64_t whole_number(std::string_view name, std::uint64_t fallback, std::uint64_t min,
                             std::uint64_t max);
  // A time that is at most `latest`.
  WallTime time(std::string_view name, WallTime fallback, WallTime latest);
  // A stretch of time: the end is `now` by default and at most a day ahead, the start `fallback`
  // before the end by default, and not in the future.
  struct Times {
    WallTime start;
    WallTime end;
  };
  Times times(std::string_view start_name, std::string_view end_name, WallTime now,
              std::chrono::minutes fallback = std::chrono::days{1});
  // The minute of a time that is at most `latest`; nothing when it is not given.
  std::optional<Minute> minute(std::string_view name, WallTime latest);
  // A multiple of a minute.
  std::chrono::minutes step(std::string_view name, std::chrono::minutes fallback);
  // One of the words; its index.
  std::size_t choice(std::string_view name, std::span<const std::string_view> words);

  // The id in the path. Its parameter is called "id".
  InfluencerId influencer(std::string_view segment);

  // So many different ids with commas between them: "1,2,3".
  std::vector<InfluencerId> influencers(std::string_view name, std::size_t count_min,
                                        std::size_t count_max);

  void reject(std::string_view name, std::string detail);
  bool is_valid() const { return errors_.empty(); }
  Problem problem() const { return invalid_parameters(errors_); }

 private:
  void take(std::string_view escaped_name, std::string_view escaped_value,
            std::span<const std::string_view> known);

  std::vector<std::pair<std::string_view, std::string>> given_;
  std::vector<ParameterError> errors_;
};

// The minutes from the one that contains `start` to the last one that begins before `end`.
MinuteRange minutes_between(WallTime start, WallTime end);

}  // namespace ia
