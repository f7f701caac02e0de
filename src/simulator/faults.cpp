#include "simulator/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/fault_texts.h"
#include "simulator/random.h"

namespace ia {
namespace {

constexpr std::array<std::string_view, kFaultKindCount> kFaultNames = {
    "none",  "error",     "limited", "hang",        "truncate", "wrong_id",
    "close", "malformed", "drip",    "extra_bytes", "redirect"};

// By kind, without kNone.
constexpr std::array<double Faults::*, kFaultKindCount - 1> kRates = {
    &Faults::error_rate,     &Faults::limited_rate,  &Faults::hang_rate,
    &Faults::truncate_rate,  &Faults::wrong_id_rate, &Faults::close_rate,
    &Faults::malformed_rate, &Faults::drip_rate,     &Faults::extra_bytes_rate,
    &Faults::redirect_rate};

constexpr std::array<std::string_view, kMalformationCount> kMalformationNames = {
    "not_json", "cut",  "empty",   "negative", "fractional", "null",
    "huge",     "text", "missing", "array",    "oversized"};

Result<Outage> parse_outage(std::string_view piece) {
  const auto colon = std::min(piece.find(':'), piece.size());
  const auto kind = colon == piece.size() ? "refuse" : piece.substr(colon + 1);
  if (kind != "refuse" && kind != "500") {
    return fail(Errc::kInvalid, in_quotes(piece) + " must end with :refuse or :500");
  }
  const auto range = parse_time_range(piece.substr(0, colon));
  if (!range) return std::unexpected(range.error());
  return Outage{std::chrono::duration_cast<std::chrono::milliseconds>(range->low),
                std::chrono::duration_cast<std::chrono::milliseconds>(range->high),
                kind == "500" ? Outage::Kind::kError : Outage::Kind::kRefuse};
}

}  // namespace

std::string_view name_of(FaultKind kind) { return kFaultNames.at(std::to_underlying(kind)); }

std::string_view name_of(Malformation malformation) {
  return kMalformationNames.at(std::to_underlying(malformation));
}

Result<std::vector<Outage>> Outage::parse(std::string_view text) {
  std::vector<Outage> outages;
  const auto taken = for_each_piece(text, [&](std::string_view piece) -> Status {
    const auto outage = parse_outage(piece);
    if (!outage) return std::unexpected(outage.error());
    outages.push_back(*outage);
    return {};
  });
  if (!taken) return std::unexpected(taken.error());
  return outages;
}

bool Faults::none() const {
  return std::ranges::all_of(kRates, [this](auto rate) { return this->*rate == 0; }) &&
         latency.shape == Latency::Shape::kNone && rate_limit == 0 && vanished.empty() &&
         outages.empty();
}

FaultKind Faults::pick(std::uint64_t random) const {
  double left = unit_of(random);
  for (std::size_t i = 0; i < kRates.size(); ++i) {
    const double rate = this->*kRates[i];
    if (left < rate) return static_cast<FaultKind>(i + 1);
    left -= rate;
  }
  return FaultKind::kNone;
}

Status check(const Faults& faults) {
  double sum = 0;
  for (const auto rate : kRates) sum += faults.*rate;
  // Ten rates of 0.1 are a little more than 1 in binary.
  if (sum <= 1 + 1e-9) return {};
  return fail(Errc::kInvalid, "the rates of faults are " + std::to_string(sum) +
                                  " together: lower them to a sum of at most 1");
}

}  // namespace ia
