#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "storage/damage.h"
#include "storage/tables.h"

namespace ia::sqlite_store {

// Stores batches as frames and keeps the accounts of their minutes. Remembers the minutes that it
// touched last, so that an append reads nothing; a minute that it does not remember is rebuilt from
// its frames (some 10 ms for a million influencers) and, once its hour was settled, from the chunks
// of those who are asked for. Safe to call from any thread: one waits for the other.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const Files& files, WriteGate& gate,
                                              DamageLog& damage);

  Result<AppendResult> append(std::span<const PointBatch> batches);
  Status close_minutes(MinuteRange range, MissReason reason);
  Status put_registry(const Registry& registry);

 private:
  struct Remembered {
    MinuteAccount account;
    Presence presence;
    // For what the minute's settled part says of those not looked up yet.
    std::optional<SegmentReader> settled;
    std::uint64_t last_used = 0;
  };
  Writer(const Files& files, WriteGate& gate, DamageLog& damage, sqlite::Connection db,
         std::vector<sqlite::Statement> sql);

  // Runs `change()` as one transaction.
  template <class Change>
  auto write(Change change) -> decltype(change());
  Status begin_positions();
  Result<AppendResult> append_all(std::span<const PointBatch> batches);
  Status append_one(const PointBatch& batch, AppendResult& result);
  Status close_one(Minute minute, MissReason reason);
  Status put_frame(const PointBatch& batch);
  Status put_usernames(const PointBatch& batch);
  Status put_username(const Username& username, WallTime retrieved_at);
  Status put_touched();

  Result<Remembered*> recall(Minute minute);
  Result<Remembered> rebuild(Minute minute);
  Status replay_frames(Minute minute, std::uint64_t after, Presence& presence);
  Status replay_frame(Minute minute, std::int64_t position, Presence& presence);
  // True when it is damage of these minutes, which is noted then.
  bool is_damage(const Error& error, MinuteRange minutes, const std::string& place);
  Status look_up(const PointBatch& batch, Remembered& minute);
  Status look_up_one(InfluencerId id, Remembered& minute);
  Result<MinuteAccount> read_account(Minute minute);
  Result<std::uint64_t> due_in(Minute minute);
  void forget_touched();
  void forget_oldest();

  const Files& files_;
  WriteGate& gate_;
  DamageLog& damage_;
  std::mutex mutex_;  // over all below, and before the gate's
  sqlite::Connection db_;
  std::vector<sqlite::Statement> sql_;
  IdNumbers ids_;
  std::unordered_map<std::int64_t, Remembered> minutes_;
  std::vector<Minute> touched_;  // in the transaction that is under way
  State state_;
  std::uint64_t position_ = 0;  // of the last frame
  std::uint64_t uses_ = 0;
  std::uint64_t bytes_ = 0;  // put by the transaction that is under way
};

}  // namespace ia::sqlite_store
