#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/influencer_set.h"

namespace ia {

// How long the simulator takes to answer.
struct Latency {
  enum class Shape : std::uint8_t { kNone, kUniform, kExponential, kLognormal };
  using Time = std::chrono::microseconds;

  Shape shape = Shape::kNone;
  Time low{0};  // of uniform (fixed: both the same)
  Time high{0};
  Time p50{0};  // of exponential and lognormal
  Time p99{0};  // of lognormal

  // "0", "5ms", "fixed:5ms", "uniform:1ms-20ms", "exponential:p50=20ms",
  // "lognormal:p50=20ms,p99=200ms". Units us, ms, s, m; an hour at most.
  static Result<Latency> parse(std::string_view text);
  // `random` is 64 random bits; the same bits give the same time.
  Time sample(std::uint64_t random) const;
  friend bool operator==(const Latency&, const Latency&) = default;
};

// A time in which the server is out of order, counted from when the faults took effect.
struct Outage {
  // Refuse: the port is closed and connections are cut. Error: every answer is a plain 500.
  enum class Kind : std::uint8_t { kRefuse, kError };
  std::chrono::milliseconds begin{0};
  std::chrono::milliseconds end{0};
  Kind kind = Kind::kRefuse;

  bool covers(std::chrono::nanoseconds since) const { return begin <= since && since < end; }
  // "10s-20s", "10s-20s:refuse", "30s-40s:500", separated by commas; empty text: none.
  static Result<std::vector<Outage>> parse(std::string_view text);
  friend bool operator==(const Outage&, const Outage&) = default;
};

// What can go wrong with one answer. At most one of them does.
enum class FaultKind : std::uint8_t {
  kNone,
  kError,       // 500, plain text
  kLimited,     // 429 with Retry-After
  kHang,        // no answer, ever; the connection stays open
  kTruncate,    // the body stops half way and the connection closes
  kWrongId,     // the answer of another influencer
  kClose,       // the connection closes without an answer
  kMalformed,   // 200 with a body that is not what was asked for
  kDrip,        // the answer comes byte by byte
  kExtraBytes,  // more bytes follow the answer: noise, or an answer that nobody asked for
  kRedirect,    // 302
};
inline constexpr std::size_t kFaultKindCount = 11;
std::string_view name_of(FaultKind kind);

// What is wrong with a malformed body.
enum class Malformation : std::uint8_t {
  kNotJson,
  kCut,         // the Content-Length is right, the JSON stops half way
  kEmpty,       // no body
  kNegative,    // in place of followerCount, or of suspicious: -5
  kFractional,  // 1234.5
  kNull,        // null
  kHuge,        // 99999999999999999999999
  kText,        // "1234"
  kMissing,     // no such key
  kArray,       // the right object in an array
  kOversized,   // valid JSON of 80,000 bytes
};
inline constexpr std::size_t kMalformationCount = 11;
std::string_view name_of(Malformation malformation);

// All that goes wrong on purpose; nothing by default. Rates are probabilities from 0 to 1 an
// answer, and their sum is at most 1. Which answers are hit depends on the seed, the influencer
// and how often it was asked for, not on other influencers.
struct Faults {
  double error_rate = 0;
  double limited_rate = 0;
  double hang_rate = 0;
  double truncate_rate = 0;
  double wrong_id_rate = 0;
  double close_rate = 0;
  double malformed_rate = 0;
  double drip_rate = 0;
  double extra_bytes_rate = 0;
  double redirect_rate = 0;

  Latency latency{};
  Latency check_latency{};  // of a verdict, on top; none: SimulatorOptions::verdict_mean
  double rate_limit = 0;    // requests/s; above it 429. 0: no limit
  std::chrono::seconds retry_after{1};          // said with every 429
  std::chrono::milliseconds drip_interval{20};  // between the bytes of a dripping answer
  std::vector<Malformation> malformations{};    // empty: all of them
  InfluencerSet vanished{};                     // answered as unknown
  std::vector<Outage> outages{};

  // Whether every request is answered at once and well.
  bool none() const;
  // What `random`, 64 random bits, means for an answer.
  FaultKind pick(std::uint64_t random) const;
  friend bool operator==(const Faults&, const Faults&) = default;
};

// kInvalid when the rates exceed 1 together.
Status check(const Faults& faults);

// One fault as an option of a program: --error-rate, error_rate in a file.
struct FaultOption {
  std::string_view name;         // "error_rate"
  std::string_view placeholder;  // in help: "RATE"
  std::string_view fallback;     // the default, as text
  std::string_view allowed;      // completes "must be ..."
  std::string_view help;         // one sentence
  // Parses into the faults; kInvalid says what was expected, without the option's name.
  std::function<Status(Faults& faults, std::string_view text)> set;
};

// All of them, in the order of the help.
std::span<const FaultOption> fault_options();

// Faults from texts by option name. kInvalid names the option; unknown names are errors.
Result<Faults> parse_faults(const std::map<std::string, std::string>& texts);

}  // namespace ia
