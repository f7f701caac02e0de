#include "adapters/postgres/sqlstate.h"

#include <algorithm>
#include <array>

namespace ia::postgres {
namespace {

// A prefix of two characters stands for a class, of five for one state; longer ones come first.
struct Rule {
  std::string_view prefix;
  Fate fate;
  Errc errc;
  std::string_view advice;
};

constexpr std::string_view kMigrate =
    "the schema is not the one that this program needs: run influencer-analytics migrate";
constexpr std::string_view kGrants =
    "the role lacks a right: run `influencer-analytics migrate --grant-to ROLE` as the owner";
constexpr std::string_view kSignIn = "check the user, the password and pg_hba.conf";
constexpr std::string_view kDamaged = "stored bytes are damaged: stop, and restore from a backup";

constexpr auto kRules = std::to_array<Rule>({
    {"IA001", Fate::kRetry, Errc::kUnavailable, ""},
    {"IA002", Fate::kPoison, Errc::kInvalid, ""},
    {"25006", Fate::kRetry, Errc::kUnavailable,
     "this server only reads: is it a standby? name the primary in the connection string"},
    {"42501", Fate::kFatal, Errc::kUnavailable, kGrants},
    {"42601", Fate::kFatal, Errc::kUnavailable, ""},
    {"53100", Fate::kRetry, Errc::kUnavailable, "the server's disk is full: free some space"},
    {"53300", Fate::kRetry, Errc::kOverloaded,
     "raise max_connections of the server, or lower the pools"},
    {"55000", Fate::kFatal, Errc::kUnavailable, ""},
    {"57014", Fate::kRetry, Errc::kOverloaded, "it took longer than the statement timeout"},
    {"XX001", Fate::kFatal, Errc::kCorrupt, kDamaged},
    {"XX002", Fate::kFatal, Errc::kCorrupt, kDamaged},
    {"08", Fate::kRetry, Errc::kUnavailable, ""},
    {"0A", Fate::kFatal, Errc::kUnavailable, ""},
    {"22", Fate::kPoison, Errc::kInvalid, ""},
    {"23", Fate::kPoison, Errc::kInvalid, ""},
    {"25", Fate::kRetry, Errc::kUnavailable, ""},
    {"28", Fate::kFatal, Errc::kUnavailable, kSignIn},
    {"3D", Fate::kFatal, Errc::kUnavailable, "create the database, or name another one"},
    {"3F", Fate::kFatal, Errc::kUnavailable, kMigrate},
    {"40", Fate::kRetry, Errc::kUnavailable, ""},
    {"42", Fate::kFatal, Errc::kUnavailable, kMigrate},
    {"53", Fate::kRetry, Errc::kOverloaded, ""},
    {"54", Fate::kPoison, Errc::kInvalid, ""},
    {"55", Fate::kRetry, Errc::kUnavailable, ""},
    {"57", Fate::kRetry, Errc::kUnavailable, ""},
    {"58", Fate::kRetry, Errc::kUnavailable, "the server cannot read or write its files"},
});

constexpr Rule kLost{"", Fate::kRetry, Errc::kUnavailable, ""};
constexpr Rule kUnknown{"", Fate::kFatal, Errc::kUnavailable, ""};

const Rule& rule_of(std::string_view sqlstate) {
  if (sqlstate.empty()) return kLost;
  const auto found = std::ranges::find_if(
      kRules, [&](const Rule& rule) { return sqlstate.starts_with(rule.prefix); });
  return found == kRules.end() ? kUnknown : *found;
}

}  // namespace

Fate fate_of(std::string_view sqlstate) { return rule_of(sqlstate).fate; }
Errc errc_of(std::string_view sqlstate) { return rule_of(sqlstate).errc; }
std::string_view advice_on(std::string_view sqlstate) { return rule_of(sqlstate).advice; }

}  // namespace ia::postgres
