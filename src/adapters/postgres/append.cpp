#include "adapters/postgres/append.h"

#include <algorithm>

#include "adapters/postgres/draft.h"
#include "adapters/postgres/sqlstate.h"

namespace ia::postgres {
namespace {

constexpr int kAttemptsMax = 10;  // each that fails is a call of another that went through
// What is older is not written out, as the embedded store does it.
constexpr std::chrono::days kClosedMax{400};

constexpr const char* kAppend =
    "SELECT ia.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
    " $18, $19, $20, $21, $22, $23, $24, $25)";

// Nothing was done, and the same again may work: an old knowledge, or another one in the way.
bool is_worth_another_attempt(std::string_view sqlstate) {
  return sqlstate == kRegistryMoved || sqlstate == kDeadlock || sqlstate == kSerializationFailure ||
         sqlstate == kUniqueViolation;
}

std::unexpected<Error> contended(const Error& last) {
  return fail(Errc::kUnavailable, "others were faster, again and again: " + last.message);
}

}  // namespace

MinuteRange sane(MinuteRange range) {
  const auto begin = std::clamp(range.begin, kFirstMinute, kEndMinute);
  return {begin, std::clamp(range.end, begin, kEndMinute)};
}

Result<Registry> read_registry(Connection& db) {
  const auto row = db.query(
      "SELECT epoch, interval_minutes, spread_ms, shard_size, influencers, watched_since"
      " FROM ia.registry");
  if (!row) return std::unexpected(row.error());
  if (row->empty()) return Registry{};
  auto influencers = InfluencerSet::parse(row->text(0, 4));
  if (!influencers) return fail("the stored registry", influencers.error());
  auto watched = WatchHistory::parse(row->text(0, 5));
  if (!watched) return fail("the stored registry", watched.error());
  return Registry{.epoch = static_cast<std::uint64_t>(row->integer(0, 0)),
                  .schedule = {.interval = std::chrono::minutes{row->integer(0, 1)},
                               .spread = std::chrono::milliseconds{row->integer(0, 2)}},
                  .shard_size = static_cast<std::uint32_t>(row->integer(0, 3)),
                  .influencers = std::move(*influencers),
                  .watched = std::move(*watched)};
}

Result<Registry> read_registry(Connection& db, RegistryCache& cache) {
  const auto row = db.query("SELECT epoch FROM ia.registry");
  if (!row) return std::unexpected(row.error());
  const auto epoch = row->empty() ? 0 : static_cast<std::uint64_t>(row->integer(0, 0));
  if (auto known = cache.of_epoch(epoch)) return std::move(*known);
  auto registry = read_registry(db);
  if (registry) cache.put(*registry);
  return registry;
}

Result<std::shared_ptr<const Writer::Knowledge>> Writer::knowledge(Connection& db) {
  {
    const std::scoped_lock lock(mutex_);
    if (knowledge_) return knowledge_;
  }
  auto registry = read_registry(db);
  if (!registry) return std::unexpected(registry.error());
  const auto horizon = db.query("SELECT horizon FROM ia.state");
  if (!horizon) return std::unexpected(horizon.error());
  const std::scoped_lock lock(mutex_);
  knowledge_ = std::make_shared<const Knowledge>(std::move(*registry), horizon->minute(0, 0));
  return knowledge_;
}

void Writer::forget() {
  const std::scoped_lock lock(mutex_);
  knowledge_.reset();
}

Status Writer::put_registry(const Registry& registry) {
  forget();
  return pool_.with([&](Connection& db) -> Status {
    const auto put = db.query("SELECT ia.put_registry($1, $2, $3, $4, $5, $6)",
                              Params()
                                  .add(static_cast<std::int64_t>(registry.epoch))
                                  .add(std::int64_t{registry.schedule.interval.count()})
                                  .add(std::int64_t{registry.schedule.spread.count()})
                                  .add(std::int64_t{registry.shard_size})
                                  .add(registry.influencers.to_string())
                                  .add(registry.watched.to_string()));
    return put ? Status{} : std::unexpected(put.error());
  });
}

Result<AppendResult> Writer::append(std::span<const PointBatch> batches) {
  for (const auto& batch : batches) {
    if (auto sound = check_batch(batch); !sound) return std::unexpected(sound.error());
  }
  if (batches.empty()) return AppendResult{};
  return pool_.with([&](Connection& db) { return append_on(db, batches); });
}

Result<AppendResult> Writer::append_on(Connection& db, std::span<const PointBatch> batches) {
  std::vector<PointPlace> repeats;
  for (int attempt = 1;; ++attempt) {
    const auto found = knowledge(db);
    if (!found) return std::unexpected(found.error());
    const auto& known = *found;
    const Draft draft(batches, repeats, known->registry, known->horizon);
    const AppendResult result{
        .stored = draft.stored(), .repeats = draft.repeats(), .expired = draft.expired()};
    if (draft.empty()) return result;
    const auto appended = db.query(kAppend, draft.append_params(known->registry.epoch));
    if (appended) return result;
    const auto why = db.sqlstate();
    if (!is_worth_another_attempt(why)) return fail("append", appended.error());
    if (attempt == kAttemptsMax) return contended(appended.error());
    forget();
    if (why != kUniqueViolation) continue;
    const auto present = db.query("SELECT ia.present($1, $2)", draft.present_params());
    if (!present) return fail("append", present.error());
    const auto more = draft.repeated(present->is_null(0, 0) ? std::vector<std::int64_t>{}
                                                            : present->integers(0, 0));
    repeats.insert(repeats.end(), more.begin(), more.end());
    std::ranges::sort(repeats);
  }
}

Status Writer::close_minutes(MinuteRange range, MissReason reason) {
  range = sane(range);
  range.begin = std::max<Minute>(range.begin, range.end - kClosedMax);
  return pool_.with([&](Connection& db) -> Status {
    const auto closed = close_on(db, range, reason);
    return closed ? closed : fail("closing", closed.error());
  });
}

Status Writer::close_on(Connection& db, MinuteRange range, MissReason reason) {
  for (int attempt = 1;; ++attempt) {
    const auto found = knowledge(db);
    if (!found) return std::unexpected(found.error());
    const auto& known = *found;
    std::vector<Minute> minutes;
    std::vector<std::int64_t> due;
    for (auto minute = std::max(range.begin, known->horizon); minute < range.end; ++minute) {
      minutes.push_back(minute);
      due.push_back(known->registry.epoch == 0
                        ? 0
                        : static_cast<std::int64_t>(known->registry.due_in(minute)));
    }
    const auto closed = db.query("SELECT ia.close_minutes($1, $2, $3, $4)",
                                 Params()
                                     .add(static_cast<std::int64_t>(known->registry.epoch))
                                     .add(static_cast<std::int64_t>(reason))
                                     .add(std::span<const Minute>(minutes))
                                     .add(std::span<const std::int64_t>(due)));
    if (closed) return {};
    if (!is_worth_another_attempt(db.sqlstate())) return std::unexpected(closed.error());
    if (attempt == kAttemptsMax) return contended(closed.error());
    forget();
  }
}

}  // namespace ia::postgres
