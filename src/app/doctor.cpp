#include "app/doctor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "app/lock_file.h"
#include "base/time_text.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::uint64_t kFilesBesidesConnections = 100;
// Minutes have no value for the last seconds before they end; more skew than that moves points.
constexpr auto kSkewMax = 2s;

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
                   fmt::format("Choose another --data-dir, or make it yours: sudo chown {} {}",
                               getuid(), place.string()));
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

int bind_error(const Address& address) {
  const bool six = address.host.contains(':');
  const int descriptor = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_in);
  if (six) {
    auto* to = reinterpret_cast<sockaddr_in6*>(&storage);
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &to->sin6_addr);
    length = sizeof *to;
  } else {
    auto* to = reinterpret_cast<sockaddr_in*>(&storage);
    to->sin_family = AF_INET;
    to->sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &to->sin_addr);
  }
  const bool bound = bind(descriptor, reinterpret_cast<sockaddr*>(&storage), length) == 0 &&
                     listen(descriptor, 1) == 0;
  const int error = bound ? 0 : errno;
  close(descriptor);
  return error;
}

struct UpstreamCheck {
  Check check;
  std::optional<WallTime> network_time;
};

UpstreamCheck check_upstream(const Config& config, const DoctorCalls& calls) {
  const auto& url = config.mockstagram_url;
  const auto answer = calls.probe_upstream();
  if (answer) return {ok("network", url + " answers"), *answer};
  return {failure("network", fmt::format("{} does not answer: {}", url, answer.error().message),
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
  checks.push_back(check_locks(dir));
  return checks;
}

Check check_address(const std::string& subject, const Address& address) {
  const auto where = format_address(address);
  const int error = bind_error(address);
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

Check check_temporary_directory(const fs::path& dir) {
  const int error = try_writing(dir);
  if (error == 0) return ok("temporary files", dir.string() + " can be written");
  return warning("temporary files",
                 fmt::format("{} cannot be written: {}", dir.string(), std::strerror(error)),
                 "Set TMPDIR to a directory that can be, or give the demo a --data-dir.");
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

Check check_store_server(const DoctorCalls& calls) {
  const auto seen = calls.check_store_server();
  if (seen) return ok("PostgreSQL", *seen);
  return failure("PostgreSQL", seen.error().message,
                 "Set --postgres-url, or PGHOST, PGUSER and PGDATABASE; passwords belong into "
                 "PGPASSFILE. A new database needs: influencer-analytics migrate");
}

}  // namespace

std::vector<Check> examine(const Config& config, const Clock& clock, const DoctorCalls& calls) {
  auto checks = check_data_directory(config.data_dir, config.min_free_bytes, calls);
  checks.push_back(check_address("API address", config.listen));
  if (config.queue == QueueKind::kSqs) checks.push_back(check_queues(calls));
  if (config.store == StoreKind::kPostgres) checks.push_back(check_store_server(calls));
  const auto upstream = check_upstream(config, calls);
  checks.push_back(upstream.check);
  checks.push_back(check_clock(clock, upstream.network_time));
  checks.push_back(raise_file_limit(files_needed(config)));
  std::error_code error;
  checks.push_back(check_temporary_directory(fs::temp_directory_path(error)));
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
