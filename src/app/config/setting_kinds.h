#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/config/settings.h"

namespace ia {

// The kinds of values that settings have: each knows its range, says it and checks it. `store`
// puts what was understood into the config.

// The root of the others: `store` parses too, and returns false for what is not allowed.
Setting::Value make_value(std::string placeholder, std::string allowed,
                          std::function<bool(std::string_view text, Config& config)> store);

struct DurationRange {
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
  std::chrono::milliseconds step{1};
};
Setting::Value duration_value(DurationRange range,
                              std::function<void(Config&, std::chrono::milliseconds)> store);
Setting::Value whole_number_value(std::uint64_t least, std::uint64_t most,
                                  std::function<void(Config&, std::uint64_t)> store);
Setting::Value number_value(double least, double most, std::function<void(Config&, double)> store);
Setting::Value size_value(std::uint64_t most, std::function<void(Config&, std::uint64_t)> store);
Setting::Value address_value(std::function<void(Config&, Address)> store);
Setting::Value time_value(std::function<void(Config&, TimeBound)> store);
Setting::Value switch_value(std::function<void(Config&, bool)> store);
// The value of a header field.
Setting::Value header_value(std::function<void(Config&, std::string)> store);
// Not empty.
Setting::Value text_value(std::string placeholder, std::string allowed,
                          std::function<void(Config&, std::string)> store);
// At least 16 printable ASCII characters without blanks; never shown.
Setting::Value secret_value(std::function<void(Config&, std::string)> store);
// http or https, host and port, no more: a path or a query would silently be ignored.
Setting::Value server_url_value(std::function<void(Config&, std::string)> store);
// What libpq takes: a URI or "name=value ..."; it is shown without passwords.
Setting::Value page_url_value(std::function<void(Config&, std::string)> store);
Setting::Value postgres_url_value(std::function<void(Config&, std::string)> store);
// Some names with commas between them, none empty.
Setting::Value names_value(std::function<void(Config&, std::vector<std::string>)> store);
// Names of hosts, in lower case, with commas between them; "*." before one stands for all below it,
// and "*" for any.
Setting::Value hosts_value(std::function<void(Config&, std::vector<std::string>)> store);
// IP addresses and networks with commas between them.
Setting::Value networks_value(std::function<void(Config&, std::vector<AddressRange>)> store);
// Some whole numbers with commas between them.
Setting::Value counts_value(std::uint32_t least, std::uint32_t most,
                            std::function<void(Config&, std::vector<std::uint32_t>)> store);
// auto (nothing), unlimited (0) or requests/s.
Setting::Value rate_value(std::function<void(Config&, std::optional<double>)> store);
// Ids and ranges, or a file with them.
Setting::Value influencers_value(std::function<void(Config&, InfluencerSet)> store);
// The path of a file that can be read.
Setting::Value readable_file_value(std::function<void(Config&, std::string)> store);

// Stores a value in a member of the config, of its schedule or of its signals' thresholds.
template <class Owner, class Member>
auto into(Member Owner::* member) {
  return [member](Config& config, auto value) {
    auto& place = [&]() -> Member& {
      if constexpr (std::is_same_v<Owner, Schedule>) {
        return config.schedule.*member;
      } else if constexpr (std::is_same_v<Owner, SignalThresholds>) {
        return config.signals.*member;
      } else {
        return config.*member;
      }
    }();
    if constexpr (std::is_arithmetic_v<Member>) {
      place = static_cast<Member>(value);
    } else if constexpr (std::is_same_v<Member, std::chrono::minutes>) {
      place = std::chrono::duration_cast<Member>(value);
    } else {
      place = std::move(value);
    }
  };
}

// One of some words.
template <class Choice>
Setting::Value choice_value(std::initializer_list<std::pair<std::string_view, Choice>> choices,
                            std::function<void(Config&, Choice)> store) {
  const std::vector<std::pair<std::string_view, Choice>> known(choices);
  std::string words;
  for (const auto& [word, choice] : known) words += (words.empty() ? "" : "|") + std::string(word);
  return make_value(words, words, [known, store](std::string_view text, Config& config) {
    for (const auto& [word, choice] : known) {
      if (word == text) return store(config, choice), true;
    }
    return false;
  });
}

}  // namespace ia
