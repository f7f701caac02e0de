#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/influencer_set.h"
#include "ports/store.h"
#include "ports/verdict_store.h"

namespace ia {

// Writes influencer_id,minute,follower_count,following_count,follower_ratio with a header line,
// ordered by influencer, then minute (RFC 3339, UTC). `output` is a file, or "-" for standard
// output; a file is written as an OutputFile is. Shows progress on a terminal.
// Damaged values are left out, and `tell` is called for each influencer that has some. The minutes
// `without`, which ascend, are left out, too. Returns the number of rows.
using TellDamage = std::function<void(InfluencerId, std::span<const MinuteRange>)>;
Result<std::uint64_t> export_csv(const Store& store, const InfluencerSet& influencers,
                                 MinuteRange range, const std::string& output,
                                 std::span<const MinuteStats> without = {},
                                 const TellDamage& tell = {});

// The minutes of the range that are still open and have points already, oldest first: of some
// influencers only. They are the newest ones, as minutes are closed one after the other.
Result<std::vector<MinuteStats>> open_minutes(const Store& store, MinuteRange range);

// Says of each of them how much is stored, and whether it is exported; a line for each.
std::vector<std::string> open_lines(std::span<const MinuteStats> minutes, bool is_exported);

// A line that says that values of the range may be missing because stored bytes are damaged.
std::string damage_line(InfluencerId influencer, MinuteRange range);

// The same with influencer_id,suspicious,checked_at,changed_at,follower_count,following_count:
// the newest verdict on each of them that has one, since when it says so, and the counts judged.
Result<std::uint64_t> export_verdicts_csv(const VerdictStore& store,
                                          const InfluencerSet& influencers,
                                          const std::string& output);

// One series as such rows, without the header line.
std::string csv_rows(InfluencerId influencer, const Series& series);

}  // namespace ia
