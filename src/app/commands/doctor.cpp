#include "app/commands/doctor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <span>
#include <system_error>

#include "app/config/listen_check.h"
#include "app/process/lock_file.h"
#include "app/process/scratch_directory.h"
#include "base/time_text.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::uint64_t kFilesBesidesConnections = 100;
// Minutes have no value for the last seconds before they end; more skew than that moves points.
constexpr auto kSkewMax = 2s;
// Of the embedded store: a settled value of counts that change at random (docs/benchmarks.md).
constexpr double kBytesPerValue = 3.43;

Check ok(std::string subject, std::string seen) {
  return {std::move(subject), Finding::kOk, std::move(seen), {}};
}

Check warning(std::string subject, std::string seen, std::string advice) {
  return {std::move(subject), Finding::kWarning, std::move(seen), std::move(advice)};
}

Check failure(std::string subject, std::string seen, std::string advice) {
  return {std::move(subject), Finding::kFailure, std::move(seen), std::move(advice)};
}

// 0, or why no file can be made there.
int try_writing(const fs::path& dir) {
  auto name = (dir / "doctor-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return errno;
  const int error = write(descriptor, "x", 1) == 1 ? 0 : errno;
  close(descriptor);
  unlink(name.c_str());
  return error;
}

std::string user_name() {
  const auto* entry = getpwuid(geteuid());
  return entry == nullptr ? std::to_string(geteuid()) : entry->pw_name;
}

// What to do where `place`, the nearest directory of `dir` that exists, cannot be written.
std::string advice_on_writing(const fs::path& dir, const fs::path& place, int error) {
  if (error == EROFS) return "Its file system is read-only: choose another --data-dir.";
  if (error == ENOSPC || error == EDQUOT) return "The disk is full: free some space.";
  if (geteuid() == 0) {
    return "Not even root may write there: choose another --data-dir, on a local disk.";
  }
  if (place != dir) {
    return fmt::format("Choose another --data-dir, or make it: sudo install -d -m 700 -o {} {}",
                       user_name(), dir.string());
  }
  return fmt::format("Choose another --data-dir, or make it yours: sudo chown -R {} {}",
                     user_name(), dir.string());
}

fs::path nearest_existing(fs::path dir) {
  std::error_code error;
  while (!fs::exists(dir, error) && dir.has_relative_path()) dir = dir.parent_path();
  return dir.empty() ? fs::path(".") : dir;
}

Check check_writable(const fs::path& dir) {
  const std::string subject = "data directory";
  const auto place = nearest_existing(dir);
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    return failure(subject, fmt::format("{} is not a directory", place.string()),
                   "Choose another --data-dir, or move that file away.");
  }
  if (const int cause = try_writing(place); cause != 0) {
    return failure(subject,
                   fmt::format("{} cannot be written: {}", place.string(), std::strerror(cause)),
                   advice_on_writing(dir, place, cause));
  }
  if (place == dir) return ok(subject, dir.string() + " can be written");
  return ok(subject, dir.string() + " is not there yet and can be made");
}

Check check_space(const fs::path& dir, std::uint64_t free_bytes_min) {
  const std::string subject = "free space";
  std::error_code error;
  const auto space = fs::space(nearest_existing(dir), error);
  if (error) {
    return warning(subject, "not known: " + error.message(), "Check it with: df -h");
  }
  const auto seen = fmt::format("{} free, fetching pauses below {}", format_size(space.available),
                                format_size(free_bytes_min));
  if (space.available < free_bytes_min) {
    return failure(subject, seen, "Free some space, use another disk, or shorten --retention.");
  }
  if (space.available < 2 * free_bytes_min) {
    return warning(subject, seen, "A million influencers take about 5 GB a day.");
  }
  return ok(subject, seen);
}

Check check_locks(const fs::path& dir) {
  const std::string subject = "in use";
  const auto held = held_locks(dir);
  if (held.empty()) return ok(subject, "no other process uses the data directory");
  std::string seen;
  for (const auto& [stage, holder] : held) {
    seen += fmt::format("{}{} by process {} ({})", seen.empty() ? "" : ", ", stage, holder.pid,
                        holder.command);
  }
  return warning(subject, std::move(seen),
                 "A second process of the same stage will refuse to start: stop that one first.");
}

Check check_version(const fs::path& dir, const DoctorCalls& calls) {
  std::error_code error;
  if (fs::is_empty(dir, error)) return ok("stored version", "nothing is stored yet");
  const auto status = calls.check_stored_version(dir);
  if (status) return ok("stored version", "known here");
  return failure("stored version", status.error().message,
                 "Use the version of the program that wrote it, or another --data-dir.");
}

Check check_files(const std::vector<std::string>& unlisted) {
  const std::string subject = "files of the store";
  if (unlisted.empty()) return ok(subject, "store.db knows all segments");
  return warning(subject,
                 fmt::format("store.db does not know {} of segments/: {}", unlisted.size(),
                             fmt::join(unlisted, ", ")),
                 "They are kept and not served. If store.db was lost or is an older copy, restore "
                 "the newest one; copies of your own belong in another directory.");
}

std::string interval_text(MinuteRange range) {
  return timestamp_text(range.begin) + "/" + timestamp_text(range.end);
}

std::string some_of(const std::vector<std::string>& texts, std::string_view separator) {
  constexpr std::size_t kShownMax = 5;
  const auto shown = std::min(texts.size(), kShownMax);
  auto text = fmt::format("{}", fmt::join(std::span(texts).first(shown), separator));
  if (shown < texts.size()) text += fmt::format(" and {} more", texts.size() - shown);
  return text;
}

Check check_damage(const fs::path& dir, const KnownDamage& damage) {
  const std::string subject = "damage";
  if (damage.places.empty()) {
    return ok(subject, "none is known; `influencer-analytics verify` reads everything");
  }
  std::vector<std::string> ranges;
  for (const auto& range : damage.ranges) ranges.push_back(interval_text(range));
  auto seen = fmt::format("{} {} known: {}", damage.places.size(),
                          damage.places.size() == 1 ? "place is" : "places are",
                          some_of(damage.places, "; "));
  if (!ranges.empty()) seen += "; values may be missing in " + some_of(ranges, ", ");
  return warning(
      subject, std::move(seen),
      fmt::format("The rest is served. influencer-analytics verify {} reads everything and names "
                  "all that is damaged; a backup may have it (docs/backup.md). Files in {} are "
                  "yours to keep or delete; the rest of this list goes once `verify --repair`, "
                  "with the program stopped, finds nothing damaged.",
                  dir.string(), (dir / "quarantine").string()));
}

struct UpstreamCheck {
  Check check;
  std::optional<WallTime> network_time;
};

UpstreamCheck check_upstream(const Config& config, const DoctorCalls& calls) {
  const auto& url = config.mockstagram_url;
  const auto answer = calls.probe_upstream();
  if (answer) return {ok("network", url + " answers"), answer->time};
  return {failure("network", fmt::format("{} {}", url, answer.error().message),
                  "Start the server there, or name another one with --mockstagram-url. To try "
                  "without one: influencer-analytics demo"),
          std::nullopt};
}

std::string_view word_of(Finding finding) {
  switch (finding) {
    case Finding::kOk:
      return "ok";
    case Finding::kWarning:
      return "warn";
    case Finding::kFailure:
      return "FAIL";
  }
  return "";
}

}  // namespace

std::vector<Check> check_data_directory(const fs::path& dir, std::uint64_t free_bytes_min,
                                        const DoctorCalls& calls) {
  std::vector<Check> checks{check_writable(dir), check_space(dir, free_bytes_min)};
  std::error_code error;
  if (!fs::is_directory(dir, error)) return checks;
  checks.push_back(check_version(dir, calls));
  if (calls.unlisted_files) {
    const auto unlisted = calls.unlisted_files(dir);
    if (unlisted) checks.push_back(check_files(*unlisted));
  }
  if (calls.known_damage) {
    const auto damage = calls.known_damage(dir);
    if (damage) checks.push_back(check_damage(dir, *damage));
  }
  checks.push_back(check_locks(dir));
  return checks;
}

Check check_address(const std::string& subject, const Address& address) {
  const auto where = format_address(address);
  const int error = listen_error(address);
  if (error == 0) return ok(subject, where + " is free");
  std::string advice = "Choose an address of this machine.";
  if (error == EADDRINUSE) {
    advice =
        fmt::format("Choose another port, or see who has it: ss -ltnp 'sport = :{}'", address.port);
  } else if (error == EACCES) {
    advice = "Ports below 1024 need rights: choose a higher one.";
  }
  return failure(subject, fmt::format("{} cannot be listened on: {}", where, std::strerror(error)),
                 std::move(advice));
}

Check check_clock(const Clock& clock, std::optional<WallTime> network_time) {
  const std::string advice = "Set it, and keep it right: sudo timedatectl set-ntp true";
  const auto before = clock.mono();
  const auto now = clock.wall();
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(now)};
  const auto seen = date_text(now) + " " + clock_text(now) + " UTC";
  if (date.year() < std::chrono::year{2024} || date.year() > std::chrono::year{2100}) {
    return failure("clock", seen + " cannot be right", advice);
  }
  if (clock.mono() < before) {
    return failure("clock", "the monotonic clock runs backwards", "Restart this machine.");
  }
  if (!network_time) return ok("clock", seen);
  const auto skew = now - *network_time;
  if (skew < kSkewMax && -skew < kSkewMax) return ok("clock", seen + ", as the network's");
  return warning("clock",
                 fmt::format("{}, {:+.1f} s from the network's", seen,
                             std::chrono::duration<double>(skew).count()),
                 "Minutes are named by this machine's clock. " + advice);
}

Check raise_file_limit(std::uint64_t needed) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  const auto seen = fmt::format("{} allowed, {} needed", limit.rlim_cur, needed);
  if (limit.rlim_cur >= needed) return ok("open files", seen);
  return warning("open files", seen,
                 fmt::format("Raise it (ulimit -Hn {}, or LimitNOFILE={} in systemd), or lower "
                             "--max-connections, --api-max-connections or --api-max-streams.",
                             needed, needed));
}

std::uint64_t files_needed(const Config& config) {
  return config.max_connections + config.api_max_connections + config.api_max_streams +
         kFilesBesidesConnections;
}

Check check_size(const Config& config, const StoredPlan& plan) {
  using Days = std::chrono::duration<double, std::chrono::days::period>;
  const std::string subject = "size";
  const auto retention = Days(config.retention).count();
  const auto per_day = kBytesPerValue * static_cast<double>(plan.influencers) *
                       (Days(1) / Days(std::max(plan.interval, std::chrono::minutes{1})));
  const auto needed = retention * per_day;
  std::error_code error;
  const auto space = fs::space(nearest_existing(config.data_dir), error);
  const auto kept_free = static_cast<double>(config.min_free_bytes);
  const auto room =
      static_cast<double>(space.available) + static_cast<double>(plan.bytes) - kept_free;
  const auto seen =
      fmt::format("{} influencers every {} take up to {} over {}", plan.influencers,
                  format_duration(plan.interval), format_size(static_cast<std::uint64_t>(needed)),
                  format_duration(config.retention));
  if (error) return ok(subject, seen);
  const auto fitting = std::max(0.0, std::floor(room / per_day));
  if (needed <= room) return ok(subject, seen + ", which fits");
  return warning(subject,
                 fmt::format("{}, and {} are there for it", seen,
                             format_size(static_cast<std::uint64_t>(std::max(room, 0.0)))),
                 fmt::format("Fetching would pause after some {:.0f} days: use a larger disk, or "
                             "shorten --retention.",
                             fitting));
}

Check check_temporary_directory(const Result<fs::path>& dir) {
  const std::string subject = "temporary files";
  const std::string advice =
      "Set TMPDIR to a directory that can be, or give the demo a --data-dir.";
  if (!dir) return warning(subject, dir.error().message, advice);
  const int error = try_writing(*dir);
  if (error == 0) return ok(subject, dir->string() + " can be written");
  return warning(subject,
                 fmt::format("{} cannot be written: {}", dir->string(), std::strerror(error)),
                 advice);
}

namespace {

Check check_queues(const DoctorCalls& calls) {
  const auto seen = calls.check_queues();
  if (!seen) {
    return failure("SQS", seen.error().message,
                   "Set --sqs-region or --sqs-endpoint, and credentials as for AWS's own tools.");
  }
  const auto first_line = seen->substr(0, seen->find('\n'));
  if (seen->find("does not exist") == std::string::npos) return ok("SQS", first_line);
  return failure("SQS", first_line + "; queues are missing",
                 "Create them: influencer-analytics queues create");
}

Check check_damaged_pages(const StoreServer& server) {
  const std::string subject = "damaged pages";
  if (server.damaged_reads > 0) {
    return warning(subject,
                   fmt::format("PostgreSQL met pages with a wrong checksum {} {}",
                               server.damaged_reads, server.damaged_reads == 1 ? "time" : "times"),
                   "See the server's log for the files, and docs/backup.md; pg_amcheck reads all "
                   "tables, pg_checksums --check all files, with the server stopped.");
  }
  if (server.has_checksums) return ok(subject, "none is known; pg_amcheck reads everything");
  return ok(subject,
            "not known: this server keeps no checksums of its pages, which pg_checksums --enable "
            "changes; pg_amcheck reads everything");
}

std::vector<Check> check_store_server(const DoctorCalls& calls) {
  const auto server = calls.check_store_server();
  if (!server) {
    return {failure("PostgreSQL", server.error().message,
                    "Set --postgres-url, or PGHOST, PGUSER and PGDATABASE; passwords belong into "
                    "PGPASSFILE. A new database needs: influencer-analytics migrate")};
  }
  std::vector checks{ok("PostgreSQL", server->seen), check_damaged_pages(*server)};
  if (!server->jobs_concern) return checks;
  checks.push_back(warning("TimescaleDB", *server->jobs_concern,
                           "See timescaledb_information.job_errors, and docs/sql.md for known "
                           "causes; points are stored meanwhile, but take more space."));
  return checks;
}

// What is watched by the settings, or else by the store that is there.
std::optional<StoredPlan> plan_of(const Config& config, const DoctorCalls& calls) {
  const auto stored = calls.stored_plan ? calls.stored_plan() : std::nullopt;
  if (config.influencers.empty()) return stored;
  return StoredPlan{.influencers = config.influencers.size(),
                    .interval = config.schedule.interval,
                    .bytes = stored ? stored->bytes : 0};
}

}  // namespace

std::vector<Check> examine(const Config& config, const Clock& clock, const DoctorCalls& calls) {
  auto checks = check_data_directory(config.data_dir, config.min_free_bytes, calls);
  const auto plan = config.store == StoreKind::kEmbedded ? plan_of(config, calls) : std::nullopt;
  if (plan && plan->influencers > 0) checks.push_back(check_size(config, *plan));
  checks.push_back(check_address("API address", config.listen));
  if (config.queue == QueueKind::kSqs) checks.push_back(check_queues(calls));
  if (config.store == StoreKind::kPostgres) {
    for (auto& check : check_store_server(calls)) checks.push_back(std::move(check));
  }
  const auto upstream = check_upstream(config, calls);
  checks.push_back(upstream.check);
  checks.push_back(check_clock(clock, upstream.network_time));
  checks.push_back(raise_file_limit(files_needed(config)));
  checks.push_back(check_temporary_directory(temporary_directory()));
  return checks;
}

std::string report_of(const std::vector<Check>& checks) {
  std::string text;
  for (const auto& check : checks) {
    text += fmt::format("{:<5} {}: {}\n", word_of(check.finding), check.subject, check.seen);
    if (!check.advice.empty()) text += fmt::format("      {}\n", check.advice);
  }
  return text;
}

int exit_code_of(const std::vector<Check>& checks) {
  return std::ranges::any_of(checks,
                             [](const Check& check) { return check.finding == Finding::kFailure; })
             ? 1
             : 0;
}

}  // namespace ia
