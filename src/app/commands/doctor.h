#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "app/config/setting_values.h"
#include "base/clock.h"
#include "base/error.h"
#include "ports/known_damage.h"

namespace ia {

enum class Finding { kOk, kWarning, kFailure };

// One thing that doctor looked at.
struct Check {
  std::string subject;  // "data directory"
  Finding finding = Finding::kOk;
  std::string seen;    // what is the case
  std::string advice;  // what to do about it; empty when all is well
};

// What the network's server answered.
struct UpstreamReply {
  std::optional<WallTime> time;  // its clock, as its Date says; none without one
};

// What a store that is there watches, and its size.
struct StoredPlan {
  std::size_t influencers = 0;
  std::chrono::minutes interval{};
  std::uint64_t bytes = 0;
};

// What there is to say of the store's server.
struct StoreServer {
  std::string seen;                            // version, role, schema
  std::optional<std::string> jobs_concern{};   // what is wrong with the database's own jobs
  std::uint64_t damaged_reads = 0;             // of pages whose checksum did not match
  bool has_checksums = false;
};

// The checks that need the adapters, which wiring knows and doctor does not.
struct DoctorCalls {
  // Asks the network for one influencer. The error completes "URL ...".
  std::function<Result<UpstreamReply>()> probe_upstream;
  // Whether the files in a data directory that exists are of a version that is known here.
  std::function<Status(const std::filesystem::path&)> check_stored_version;
  // Files of the embedded store that it does not know, for a directory whose version is known.
  std::function<Result<std::vector<std::string>>(const std::filesystem::path&)> unlisted_files = {};
  // Damage of the embedded store that is known without reading everything, for such a directory.
  std::function<Result<KnownDamage>(const std::filesystem::path&)> known_damage = {};
  // Asked with --queue sqs: what is there, endpoint and source of the credentials first.
  std::function<Result<std::string>()> check_queues = {};
  // Asked with --store postgres.
  std::function<Result<StoreServer>()> check_store_server = {};
  // None where no store of the data directory says it. Asked with --store embedded.
  std::function<std::optional<StoredPlan>()> stored_plan = {};
};

// The directory exists or can be made, can be written, has `free_bytes_min` left and is not in
// use. Leaves nothing behind: a directory that is not there is not made.
std::vector<Check> check_data_directory(const std::filesystem::path& dir,
                                        std::uint64_t free_bytes_min, const DoctorCalls& calls);

// The address can be listened on now.
Check check_address(const std::string& subject, const Address& address);

// The year is plausible, time moves on, and `network_time` is near.
Check check_clock(const Clock& clock, std::optional<WallTime> network_time);

// Raises the soft limit of open files to the hard one. A warning when that is less than `needed`.
Check raise_file_limit(std::uint64_t needed);
// What a process with these settings may have open at a time.
std::uint64_t files_needed(const Config& config);

// The disk has room for what is watched, over the retention, at what a value takes up
// (docs/benchmarks.md) when every count changes at random: real ones take less. A warning when it
// has not, with what fits.
Check check_size(const Config& config, const StoredPlan& plan);

// Temporary files can be written: the demo keeps its data there.
Check check_temporary_directory(const Result<std::filesystem::path>& dir);

// All of them. Takes as long as the probe.
std::vector<Check> examine(const Config& config, const Clock& clock, const DoctorCalls& calls);

// A line a check, with its advice below.
std::string report_of(const std::vector<Check>& checks);
// 1 when any check failed, else 0.
int exit_code_of(const std::vector<Check>& checks);

}  // namespace ia
