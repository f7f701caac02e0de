#include "storage/writer.h"

#include <algorithm>
#include <array>

namespace ia::sqlite_store {
namespace {

constexpr int kCacheKib = 4096;
constexpr std::size_t kRememberedMax = 64;
constexpr std::size_t kRememberedBytesMax = 48 << 20;
constexpr std::size_t kRememberedMin = 2;
constexpr std::chrono::days kClosedMax{400};
constexpr std::uint64_t kRowBytes = 64;  // of a row besides its blob, about

enum Sql {
  kState,
  kMinute,
  kInsertMinute,
  kInsertFrame,
  kInsertData,
  kUsername,
  kInsertUsername,
  kTouchUsername,
  kLastFrame,
  kFrameData,
};
constexpr std::array<const char*, 10> kSql = {
    kSelectState,
    kSelectMinutes,
    kPutMinute,
    "INSERT INTO frame VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    "INSERT INTO frame_data VALUES (?1, ?2)",
    "SELECT retrieved_ms, name FROM username WHERE id = ?1",
    "INSERT OR REPLACE INTO username VALUES (?1, ?2, ?3)",
    "UPDATE username SET retrieved_ms = ?2 WHERE id = ?1",
    "SELECT max(position) FROM frame",
    "SELECT data FROM frame_data WHERE position = ?1",
};

MinuteRange only(Minute minute) { return {minute, minute + std::chrono::minutes{1}}; }

std::unexpected<Error> stale_epoch(std::uint64_t epoch, std::uint64_t stored) {
  return fail(Errc::kInvalid, "store: registry of epoch " + std::to_string(epoch) +
                                  " is not newer than the stored one of epoch " +
                                  std::to_string(stored) + ": read the registry again and add 1");
}

}  // namespace

Writer::Writer(const Files& files, WriteGate& gate, DamageLog& damage, sqlite::Connection db,
               std::vector<sqlite::Statement> sql)
    : files_(files), gate_(gate), damage_(damage), db_(std::move(db)), sql_(std::move(sql)) {}

Result<std::unique_ptr<Writer>> Writer::open(const Files& files, WriteGate& gate,
                                             DamageLog& damage) {
  auto db = open_database(files, sqlite::Access::kWrite, kCacheKib);
  if (!db) return std::unexpected(db.error());
  auto sql = prepare_all(*db, kSql);
  if (!sql) return std::unexpected(sql.error());
  return std::unique_ptr<Writer>(new Writer(files, gate, damage, std::move(*db), std::move(*sql)));
}

Result<AppendResult> Writer::append(std::span<const PointBatch> batches) {
  for (const auto& batch : batches) {
    if (auto sound = check_batch(batch); !sound) return std::unexpected(sound.error());
  }
  return write([&] { return append_all(batches); });
}

Result<AppendResult> Writer::append_all(std::span<const PointBatch> batches) {
  AppendResult result;
  for (const auto& batch : batches) {
    if (auto stored = append_one(batch, result); !stored) return std::unexpected(stored.error());
  }
  if (auto put = put_touched(); !put) return std::unexpected(put.error());
  return result;
}

// What is remembered changes with the transaction, so it is forgotten when that fails.
template <class Change>
auto Writer::write(Change change) -> decltype(change()) {
  const std::scoped_lock lock(mutex_);
  auto result = write_gated(gate_, db_, [&]() -> decltype(change()) {
    if (auto begun = begin_positions(); !begun) return std::unexpected(begun.error());
    return change();
  });
  if (result) {
    gate_.bytes_in_log += bytes_;
  } else {
    forget_touched();
  }
  touched_.clear();
  forget_oldest();
  return result;
}

// Another process may have written since, when this one had lost its right to: then nothing that
// is remembered holds any more.
Status Writer::begin_positions() {
  const sqlite::ResetAtEnd reset(sql_[kLastFrame]);
  const auto row = sql_[kLastFrame].step();
  if (!row) return std::unexpected(row.error());
  const auto in_table = static_cast<std::uint64_t>(sql_[kLastFrame].integer(0));
  if (in_table > position_ || position_ == 0) {
    const auto last = last_position(db_);
    if (!last) return std::unexpected(last.error());
    if (*last > position_) minutes_.clear();
    position_ = *last;
  }
  const auto state = read_state(sql_[kState]);
  if (!state) return std::unexpected(state.error());
  state_ = *state;
  bytes_ = 0;
  return {};
}

Status Writer::append_one(const PointBatch& batch, AppendResult& result) {
  if (batch.minute < state_.horizon) {
    result.expired += batch.size();
    return {};
  }
  if (auto put = put_usernames(batch); !put) return put;
  const auto minute = recall(batch.minute);
  if (!minute) return std::unexpected(minute.error());
  if (auto known = look_up(batch, **minute); !known) return known;
  const auto kept = (*minute)->account.apply(batch, (*minute)->presence, ids_);
  result.stored += kept.point_count;
  result.repeats += batch.size() - kept.point_count;
  if (kept.point_count + kept.miss_count + batch.usernames.size() == 0) return {};
  return put_frame(kept.all_of(batch) ? batch : filtered(batch, kept));
}

Status Writer::put_frame(const PointBatch& batch) {
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  const auto widen = [&](InfluencerId low, InfluencerId high) {
    first = std::min(first, to_number(low));
    last = std::max(last, to_number(high));
  };
  if (batch.size() > 0) widen(batch.influencers.front(), batch.influencers.back());
  if (!batch.misses.empty()) {
    widen(batch.misses.front().influencer, batch.misses.back().influencer);
  }
  const auto position = static_cast<std::int64_t>(++position_);
  const auto put = sql_[kInsertFrame]
                       .bind(1, position)
                       .bind(2, to_number(batch.minute))
                       .bind(3, to_number(batch.retrieved_at))
                       .bind(4, first)
                       .bind(5, last)
                       .bind(6, static_cast<std::int64_t>(batch.size()))
                       .run();
  if (!put) return put;
  const auto data = encode(batch);
  bytes_ += data.size() + kRowBytes;
  return sql_[kInsertData].bind(1, position).bind_blob(2, data).run();
}

Status Writer::put_usernames(const PointBatch& batch) {
  for (const auto& username : batch.usernames) {
    bytes_ += kRowBytes;
    if (auto put = put_username(username, batch.retrieved_at); !put) return put;
  }
  return {};
}

// Names rarely change: one that did not leaves the index by name alone.
Status Writer::put_username(const Username& username, WallTime retrieved_at) {
  const auto id = to_number(username.influencer);
  auto& select = sql_[kUsername];
  const sqlite::ResetAtEnd reset(select);
  const auto known = select.bind(1, id).step();
  if (!known) return std::unexpected(known.error());
  if (*known && select.integer(0) > to_number(retrieved_at)) return {};
  if (*known && select.text(1) == username.name) {
    return sql_[kTouchUsername].bind(1, id).bind(2, to_number(retrieved_at)).run();
  }
  return sql_[kInsertUsername]
      .bind(1, id)
      .bind(2, to_number(retrieved_at))
      .bind_text(3, username.name)
      .run();
}

Status Writer::put_touched() {
  for (const auto minute : touched_) {
    const auto& account = minutes_.at(to_number(minute)).account;
    if (auto put = put_minute(sql_[kInsertMinute], account); !put) return put;
    bytes_ += kRowBytes;
  }
  return {};
}

Result<Writer::Remembered*> Writer::recall(Minute minute) {
  auto found = minutes_.find(to_number(minute));
  if (found == minutes_.end()) {
    auto rebuilt = rebuild(minute);
    if (!rebuilt) return std::unexpected(rebuilt.error());
    found = minutes_.emplace(to_number(minute), std::move(*rebuilt)).first;
  }
  found->second.last_used = ++uses_;
  if (std::ranges::find(touched_, minute) == touched_.end()) touched_.push_back(minute);
  return &found->second;
}

Result<Writer::Remembered> Writer::rebuild(Minute minute) {
  auto account = read_account(minute);
  if (!account) return std::unexpected(account.error());
  Remembered remembered{.account = *account, .presence = {}, .settled = {}, .last_used = 0};
  const bool is_new = account->stats() == MinuteAccount(minute, account->stats().due).stats();
  if (is_new) return remembered;
  const auto segment = find_segment(db_, minute);
  if (!segment) return std::unexpected(segment.error());
  if (*segment) {
    auto settled = SegmentReader::open(files_, **segment);
    // What comes late is taken then, as if nothing had been there: nothing can be read of it.
    if (settled) {
      remembered.settled.emplace(std::move(*settled));
    } else if (!is_damage(settled.error(), (*segment)->range, (*segment)->name)) {
      return std::unexpected(settled.error());
    }
  }
  const auto after = *segment ? (*segment)->frames_through : 0;
  auto replayed = replay_frames(minute, after, remembered.presence);
  if (!replayed) return std::unexpected(replayed.error());
  return remembered;
}

Result<MinuteAccount> Writer::read_account(Minute minute) {
  auto& select = sql_[kMinute];
  const sqlite::ResetAtEnd reset(select);
  const auto row = select.bind(1, to_number(minute)).bind(2, to_number(minute) + 1).step();
  if (!row) return std::unexpected(row.error());
  if (*row) return MinuteAccount(minute_stats_of(select));
  const auto due = due_in(minute);
  if (!due) return std::unexpected(due.error());
  return MinuteAccount(minute, *due);
}

// The registry is the seed process's to change, so its epoch is looked at each time.
Result<std::uint64_t> Writer::due_in(Minute minute) {
  const auto registry = read_registry(db_, gate_.registry);
  if (!registry) return std::unexpected(registry.error());
  return registry->epoch == 0 ? 0 : registry->due_in(minute);
}

Status Writer::replay_frames(Minute minute, std::uint64_t after, Presence& presence) {
  auto select = db_.prepare("SELECT position FROM frame WHERE minute = ?1 AND position > ?2");
  if (!select) return std::unexpected(select.error());
  select->bind(1, to_number(minute)).bind(2, static_cast<std::int64_t>(after));
  while (true) {
    const auto row = select->step();
    if (!row && is_damage(row.error(), only(minute), "rows of frames")) return {};
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    auto replayed = replay_frame(minute, select->integer(0), presence);
    if (!replayed) return replayed;
  }
}

Status Writer::replay_frame(Minute minute, std::int64_t position, Presence& presence) {
  auto& select = sql_[kFrameData];
  const sqlite::ResetAtEnd reset(select);
  const auto row = select.bind(1, position).step();
  const auto place = db_.file().string() + ": frame " + std::to_string(position);
  if (!row && !is_damage(row.error(), only(minute), place)) return std::unexpected(row.error());
  if (!row || !*row) return {};
  const auto batch = decode_point_batch(select.blob(0));
  if (batch && batch->minute == minute) {
    replay(*batch, presence, ids_);
  } else {
    damage_.note(only(minute), place, batch ? "it is of another minute" : batch.error().message);
  }
  return {};
}

bool Writer::is_damage(const Error& error, MinuteRange minutes, const std::string& place) {
  if (error.code != Errc::kCorrupt && error.code != Errc::kNotFound) return false;
  damage_.note(minutes, place, error.message);
  return true;
}

Status Writer::look_up(const PointBatch& batch, Remembered& minute) {
  if (!minute.settled) return {};
  for (const auto id : batch.influencers) {
    if (auto known = look_up_one(id, minute); !known) return known;
  }
  for (const auto& miss : batch.misses) {
    if (auto known = look_up_one(miss.influencer, minute); !known) return known;
  }
  return {};
}

Status Writer::look_up_one(InfluencerId id, Remembered& minute) {
  auto& presence = minute.presence;
  const auto number = ids_.find_or_add(id);
  const auto group = number / 64;
  const auto bit = bit_of(number);
  const auto known = presence.looked_up(group) | presence.present(group);
  if (known & bit) return {};
  Chunk chunk;
  const auto at = minute.account.stats().minute;
  const auto part = minute.settled->part_of(at);
  const auto found = minute.settled->read_coverage(id, part, only(at), chunk);
  if (!found && !is_damage(found.error(), part.range, minute.settled->info().name)) {
    return std::unexpected(found.error());
  }
  if (!found) chunk.clear();
  presence.set_looked_up(group, bit);
  const auto offset = part.offset_of(minute.account.stats().minute);
  if (std::ranges::binary_search(chunk.offsets, offset)) {
    presence.set_present(group, bit);
    return {};
  }
  const auto miss = std::ranges::lower_bound(chunk.misses, offset, {}, &ChunkMiss::offset);
  const bool missed = miss != chunk.misses.end() && miss->offset == offset;
  if (missed && !(presence.missed(group) & bit)) presence.set_missed(group, bit, miss->reason);
  return {};
}

Status Writer::close_minutes(MinuteRange range, MissReason reason) {
  return write([&]() -> Status {
    const Minute begin = std::max({range.begin, state_.horizon, range.end - kClosedMax});
    for (auto minute = begin; minute < range.end; minute += std::chrono::minutes{1}) {
      if (auto closed = close_one(minute, reason); !closed) return closed;
    }
    return {};
  });
}

// Needs no presence, so that closing a month does not fill the memory with its minutes.
Status Writer::close_one(Minute minute, MissReason reason) {
  const auto remembered = minutes_.find(to_number(minute));
  if (remembered != minutes_.end()) {
    touched_.push_back(minute);
    if (!remembered->second.account.close(reason)) return {};
    bytes_ += kRowBytes;
    return put_minute(sql_[kInsertMinute], remembered->second.account);
  }
  auto account = read_account(minute);
  if (!account) return std::unexpected(account.error());
  if (!account->close(reason)) return {};
  bytes_ += kRowBytes;
  return put_minute(sql_[kInsertMinute], *account);
}

Status Writer::put_registry(const Registry& registry) {
  if (registry.shard_size == 0 || registry.schedule.interval.count() < 1) {
    return fail(Errc::kInvalid,
                "store: a registry needs a shard size and an interval of 1 or more");
  }
  const auto put = write([&]() -> Status {
    const auto stored = db_.integer("SELECT epoch FROM registry");
    if (!stored) return std::unexpected(stored.error());
    const auto epoch = static_cast<std::uint64_t>(*stored);
    if (registry.epoch <= epoch) return stale_epoch(registry.epoch, epoch);
    bytes_ += kRowBytes;
    return write_registry(db_, registry);
  });
  if (put) gate_.registry.put(registry);
  return put;
}

void Writer::forget_touched() {
  for (const auto minute : touched_) minutes_.erase(to_number(minute));
  position_ = 0;  // to be read again
}

void Writer::forget_oldest() {
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const auto& [minute, remembered] : minutes_) sum += remembered.presence.bytes();
    return sum;
  };
  while (minutes_.size() > kRememberedMax ||
         (minutes_.size() > kRememberedMin && bytes() > kRememberedBytesMax)) {
    minutes_.erase(std::ranges::min_element(
        minutes_, {}, [](const auto& entry) { return entry.second.last_used; }));
  }
}

}  // namespace ia::sqlite_store
