#include "pipeline/messages.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <zlib.h>

#include <limits>

#include "base/byte_order_mark.h"

namespace ia {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMembers = 7;  // without the checksum
constexpr std::uint32_t kForeignShards = 1000;
constexpr std::uint64_t kIntervalMinutesMax = 24 * 60;
constexpr std::size_t kShardInfluencersMax = 100'000;

using Json = simdjson::dom::object;

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::kInvalid, "shard message: " + what);
}

Result<std::uint64_t> number(const Json& json, std::string_view key, std::uint64_t max) {
  std::uint64_t value = 0;
  if (json[key].get(value) != simdjson::SUCCESS || value > max) {
    return wrong(fmt::format("'{}' must be a whole number up to {}", key, max));
  }
  return value;
}

Result<Shard> decode_foreign(const Json& json) {
  const auto id = number(json, "influencer_id", kInfluencerIdMax);
  if (!id) return std::unexpected(id.error());
  Shard shard{.epoch = kForeignEpoch,
              .number = {static_cast<std::uint32_t>(*id % kForeignShards), kForeignShards},
              .schedule = {}};
  shard.influencers = InfluencerSet({{InfluencerId{*id}, InfluencerId{*id}}});
  return shard;
}

Result<InfluencerSet> decode_influencers(const Json& json) {
  std::string_view text;
  if (json["influencers"].get(text) != simdjson::SUCCESS) {
    return wrong("'influencers' must be text like \"1000-1999\"");
  }
  auto set = InfluencerSet::parse(text);
  if (!set) return fail("shard message", set.error());
  if (set->empty() || set->size() > kShardInfluencersMax) {
    return wrong(fmt::format("'influencers' must be 1 to {} ids", kShardInfluencersMax));
  }
  return set;
}

std::string text_of(const Shard& shard) {
  return fmt::format(
      R"("version":{},"epoch":{},"shard":{},"shards":{},"interval_minutes":{},"spread_ms":{},)"
      R"("influencers":"{}")",
      kVersion, shard.epoch, shard.number.index, shard.number.count,
      shard.schedule.interval.count(), shard.schedule.spread.count(),
      shard.influencers.to_string());
}

std::string checksum_of(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());  // NOLINT
  return fmt::format("{:08x}", crc32_z(0, bytes, text.size()));
}

// Of what the message means, so that it may be written in any order and with any space.
Status check(const Shard& shard, const Json& json) {
  if (json["crc32"].error() == simdjson::NO_SUCH_FIELD) {
    // Older versions wrote none, and exactly these members.
    if (json.size() == kMembers) return {};
    return wrong("it has unknown members and no 'crc32': it is damaged, or of a newer version");
  }
  std::string_view stored;
  const auto read = json["crc32"].get(stored);
  if (read == simdjson::SUCCESS && stored == checksum_of(text_of(shard))) return {};
  return wrong("its checksum does not match: it was changed on the way or on the disk");
}

Result<Shard> decode_members(const Json& json) {
  constexpr std::uint64_t kNumberMax = std::numeric_limits<std::uint32_t>::max();
  const auto epoch = number(json, "epoch", kInfluencerIdMax);
  const auto index = number(json, "shard", kNumberMax);
  const auto count = number(json, "shards", kNumberMax);
  const auto interval = number(json, "interval_minutes", kIntervalMinutesMax);
  const auto spread = number(json, "spread_ms", static_cast<std::uint64_t>(kSpreadMax.count()));
  auto influencers = decode_influencers(json);
  for (const auto* part : {&epoch, &index, &count, &interval, &spread}) {
    if (!*part) return std::unexpected(part->error());
  }
  if (!influencers) return std::unexpected(influencers.error());
  if (*epoch == kForeignEpoch) return wrong("'epoch' must be at least 1");
  if (*index >= *count) return wrong("'shard' must be less than 'shards'");
  if (*interval == 0) return wrong("'interval_minutes' must be at least 1");
  return Shard{.epoch = *epoch,
               .number = {static_cast<std::uint32_t>(*index), static_cast<std::uint32_t>(*count)},
               .schedule = {std::chrono::minutes{*interval}, std::chrono::milliseconds{*spread}},
               .influencers = std::move(*influencers)};
}

Result<Shard> decode_own(const Json& json) {
  auto shard = decode_members(json);
  if (!shard) return shard;
  if (auto checked = check(*shard, json); !checked) return std::unexpected(checked.error());
  return shard;
}

}  // namespace

std::string encode(const Shard& shard) {
  const auto text = text_of(shard);
  return fmt::format(R"({{{},"crc32":"{}"}})", text, checksum_of(text));
}

Result<Shard> decode_shard(std::string_view body) {
  simdjson::dom::parser parser;
  Json json;
  if (has_byte_order_mark(body) ||
      parser.parse(body.data(), body.size()).get(json) != simdjson::SUCCESS) {
    return wrong("not a JSON object");
  }
  if (json["influencer_id"].error() == simdjson::SUCCESS) return decode_foreign(json);
  const auto version = number(json, "version", kInfluencerIdMax);
  if (!version) return std::unexpected(version.error());
  if (*version != kVersion) {
    return wrong(fmt::format("version {} is not known here: update this program", *version));
  }
  return decode_own(json);
}

}  // namespace ia
