#include "app/config/setting_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ranges>

#include "app/process/text_file.h"
#include "base/ascii.h"
#include "base/ip_address.h"
#include "http/host_name.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kHeaderBytesMax = 200;
constexpr std::size_t kInfluencersMax = 50'000'000;

// For parsers of setting_values.h: stores what they understand and `fits` accepts.
template <class Parse, class Store, class Fits>
auto store_parsed(Parse parse, Store store, Fits fits) {
  return [=](std::string_view text, Config& config) {
    auto parsed = parse(text);
    if (!parsed || !fits(*parsed)) return false;
    store(config, *std::move(parsed));
    return true;
  };
}

template <class Parse, class Store>
auto store_parsed(Parse parse, Store store) {
  return store_parsed(parse, store, [](const auto&) { return true; });
}

// What stands between commas, without the blanks around it.
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(text, ',')) {
    std::string_view trimmed(part.begin(), part.end());
    while (trimmed.starts_with(' ')) trimmed.remove_prefix(1);
    while (trimmed.ends_with(' ')) trimmed.remove_suffix(1);
    parts.emplace_back(trimmed);
  }
  return parts;
}

bool is_host_pattern(std::string_view text) {
  if (text == "*") return true;
  if (text.starts_with("*.")) text.remove_prefix(2);
  return !text.empty() && text.find_first_of("*:[]") == text.npos && is_host_field(text);
}

template <class Number>
auto within(Number least, Number most) {
  return [=](Number value) { return least <= value && value <= most; };
}

bool is_written_out(std::string_view text) {
  return text.find_first_not_of("0123456789-, \t\n") == std::string_view::npos;
}

Result<InfluencerSet> read_influencers(std::string_view given) {
  auto list = is_written_out(given) ? std::string(given) : read_text_file(std::string(given));
  if (!list) {
    return fail(list.error().code,
                "is no list of ids and ranges (1000000-1999999,5,7), and as a "
                "file it " +
                    list.error().message);
  }
  auto set = InfluencerSet::parse(*list);
  if (!set) return fail("is not a list of ids", set.error());
  if (set->empty()) return fail(Errc::kInvalid, "must name at least one influencer");
  if (set->size() > kInfluencersMax) {
    return fail(Errc::kInvalid, fmt::format("names {} influencers, and at most {} are allowed",
                                            set->size(), kInfluencersMax));
  }
  return set;
}

bool is_server_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return false;
  url.remove_prefix(scheme);
  if (url.ends_with('/')) url.remove_suffix(1);
  if (url.find_first_of("/?#@\\ \t\r\n") != std::string_view::npos) return false;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    url.remove_prefix(end);  // leaves "]" as the host, so that the rest is alike
  }
  const auto colon = url.find(':');
  if (colon == 0 || url.empty()) return false;
  return colon == std::string_view::npos || is_port(url.substr(colon + 1));
}

bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://") ||
         text.find('=') != std::string_view::npos;
}

}  // namespace

Setting::Value make_value(std::string placeholder, std::string allowed,
                          std::function<bool(std::string_view text, Config& config)> store) {
  auto apply = [allowed, store](std::string_view text, Config& config) -> Status {
    if (!store(text, config)) return fail(Errc::kInvalid, "must be " + allowed);
    return {};
  };
  return {.placeholder = std::move(placeholder),
          .allowed = std::move(allowed),
          .apply = std::move(apply),
          .shown = [](std::string_view text) { return std::string(text); }};
}

Setting::Value duration_value(DurationRange range,
                              std::function<void(Config&, milliseconds)> store) {
  auto allowed =
      fmt::format("{} to {}{}, with a unit (ms, s, m, h, d)", format_duration(range.least),
                  format_duration(range.most), range.step == 1min ? " in whole minutes" : "");
  return make_value("DURATION", std::move(allowed),
                    store_parsed(parse_duration, store, [range](milliseconds value) {
                      return range.least <= value && value <= range.most &&
                             value % range.step == 0ms;
                    }));
}

Setting::Value whole_number_value(std::uint64_t least, std::uint64_t most,
                                  std::function<void(Config&, std::uint64_t)> store) {
  return make_value("N", fmt::format("a whole number from {} to {}", least, most),
                    store_parsed(parse_whole_number, store, within(least, most)));
}

Setting::Value number_value(double least, double most, std::function<void(Config&, double)> store) {
  return make_value("N", fmt::format("a number from {} to {}", least, most),
                    store_parsed(parse_number, store, within(least, most)));
}

Setting::Value size_value(std::uint64_t most, std::function<void(Config&, std::uint64_t)> store) {
  return make_value("SIZE",
                    fmt::format("0 to {}, with a unit (B, KiB, MiB, GiB, TiB)", format_size(most)),
                    store_parsed(parse_size, store, within(std::uint64_t{0}, most)));
}

Setting::Value address_value(std::function<void(Config&, Address)> store) {
  return make_value("ADDRESS:PORT",
                    "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080",
                    store_parsed(parse_address, store));
}

Setting::Value time_value(std::function<void(Config&, TimeBound)> store) {
  return make_value("TIME",
                    "now, a time ago (-1h), RFC 3339 (2026-01-31T00:00:00Z) or epoch seconds",
                    store_parsed(parse_time_bound, store));
}

Setting::Value switch_value(std::function<void(Config&, bool)> store) {
  return make_value("on|off", "on|off", store_parsed(parse_switch, store));
}

Setting::Value text_value(std::string placeholder, std::string allowed,
                          std::function<void(Config&, std::string)> store) {
  return make_value(std::move(placeholder), std::move(allowed),
                    [store](std::string_view text, Config& config) {
                      store(config, std::string(text));
                      return !text.empty();
                    });
}

Setting::Value header_value(std::function<void(Config&, std::string)> store) {
  return make_value("TEXT", "1 to 200 printable ASCII characters, not a blank at either end",
                    [store](std::string_view text, Config& config) {
                      store(config, std::string(text));
                      const auto is_printable = [](char c) { return ' ' <= c && c <= '~'; };
                      return !text.empty() && text.size() <= kHeaderBytesMax &&
                             std::ranges::all_of(text, is_printable) && text.front() != ' ' &&
                             text.back() != ' ';
                    });
}

Setting::Value secret_value(std::function<void(Config&, std::string)> store) {
  auto value =
      make_value("TOKEN", "at least 16 printable ASCII characters without blanks",
                 [store](std::string_view text, Config& config) {
                   store(config, std::string(text));
                   const auto is_plain = [](char c) { return '!' <= c && c <= '~'; };
                   return text.size() >= kTokenBytesMin && std::ranges::all_of(text, is_plain);
                 });
  value.shown = [](std::string_view text) { return std::string(text.empty() ? "" : "***"); };
  return value;
}

Setting::Value server_url_value(std::function<void(Config&, std::string)> store) {
  auto value = make_value("URL", "http://HOST[:PORT] or https://HOST[:PORT], and no more",
                          [store](std::string_view text, Config& config) {
                            store(config, std::string(text));
                            return is_server_url(text);
                          });
  value.shown = mask_credentials;
  return value;
}

Setting::Value page_url_value(std::function<void(Config&, std::string)> store) {
  return make_value("URL", "http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH",
                    [store](std::string_view text, Config& config) {
                      store(config, std::string(text));
                      const auto host = text.find("://");
                      if (host == text.npos) return false;
                      return is_server_url(text.substr(0, text.find('/', host + 3)));
                    });
}

Setting::Value postgres_url_value(std::function<void(Config&, std::string)> store) {
  auto value = make_value("URL", "postgresql://USER@HOST/DATABASE or \"host=HOST dbname=DATABASE\"",
                          [store](std::string_view text, Config& config) {
                            store(config, std::string(text));
                            return is_postgres_url(text);
                          });
  value.shown = mask_passwords;
  return value;
}

Setting::Value names_value(std::function<void(Config&, std::vector<std::string>)> store) {
  return make_value("NAMES", "names with commas between them",
                    [store](std::string_view text, Config& config) {
                      std::vector<std::string> names;
                      for (const auto part : std::views::split(text, ',')) {
                        names.emplace_back(part.begin(), part.end());
                        if (names.back().empty()) return false;
                      }
                      store(config, std::move(names));
                      return true;
                    });
}

Setting::Value hosts_value(std::function<void(Config&, std::vector<std::string>)> store) {
  return make_value("HOSTS",
                    "names of hosts without ports, with commas between them, such as "
                    "ia.example.org,*.example.net",
                    [store](std::string_view text, Config& config) {
                      auto hosts = parts_of(text);
                      for (auto& host : hosts) {
                        if (!is_host_pattern(host)) return false;
                        host = lowered(host);
                      }
                      store(config, std::move(hosts));
                      return true;
                    });
}

Setting::Value networks_value(std::function<void(Config&, std::vector<AddressRange>)> store) {
  return make_value("NETWORKS",
                    "IP addresses and networks with commas between them, such as "
                    "127.0.0.1,10.0.0.0/8,fd00::/8",
                    [store](std::string_view text, Config& config) {
                      std::vector<AddressRange> ranges;
                      for (const auto& part : parts_of(text)) {
                        const auto range = AddressRange::parse(part);
                        if (!range) return false;
                        ranges.push_back(*range);
                      }
                      store(config, std::move(ranges));
                      return true;
                    });
}

Setting::Value counts_value(std::uint32_t least, std::uint32_t most,
                            std::function<void(Config&, std::vector<std::uint32_t>)> store) {
  return make_value(
      "N,N,...", fmt::format("whole numbers from {} to {} with commas between them", least, most),
      [=](std::string_view text, Config& config) {
        std::vector<std::uint32_t> counts;
        for (const auto part : std::views::split(text, ',')) {
          const auto count = parse_whole_number(std::string_view(part.begin(), part.end()));
          if (!count || *count < least || *count > most) return false;
          counts.push_back(static_cast<std::uint32_t>(*count));
        }
        store(config, std::move(counts));
        return true;
      });
}

Setting::Value rate_value(std::function<void(Config&, std::optional<double>)> store) {
  return make_value("auto|unlimited|N", "auto, unlimited, or requests a second",
                    [store](std::string_view text, Config& config) {
                      if (text == "auto") return store(config, std::nullopt), true;
                      const auto rate =
                          text == "unlimited" ? std::optional<double>(0) : parse_number(text);
                      if (!rate || *rate > 1e9) return false;
                      store(config, rate);
                      return true;
                    });
}

Setting::Value influencers_value(std::function<void(Config&, InfluencerSet)> store) {
  auto value =
      text_value("IDS|FILE", "ids and ranges (1000000-1999999,5,7) or a file with them", nullptr);
  value.apply = [store](std::string_view text, Config& config) -> Status {
    auto set = read_influencers(text);
    if (!set) return std::unexpected(set.error());
    store(config, *std::move(set));
    return {};
  };
  return value;
}

Setting::Value readable_file_value(std::function<void(Config&, std::string)> store) {
  auto value = text_value("FILE", "a readable file", nullptr);
  value.apply = [store](std::string_view text, Config& config) -> Status {
    const auto content = read_text_file(std::string(text));
    if (!content) return std::unexpected(content.error());
    store(config, std::string(text));
    return {};
  };
  return value;
}

}  // namespace ia
