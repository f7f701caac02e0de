#include "adapters/sqlite/queue.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "adapters/sqlite/queue_rows.h"
#include "base/clock_step.h"

namespace ia {
namespace {

using namespace sqlite_queue;
using sqlite::Transaction;
using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{25};
constexpr milliseconds kClockStepMin{1'000};
// A damaged row may say that it is to stay invisible for ages.
constexpr std::chrono::minutes kPullBackEvery{1};
constexpr milliseconds kTimeoutMax{std::chrono::hours{24 * 366}};
constexpr std::int64_t kDeadLettersMax = 10'000;
constexpr std::int64_t kPageBytes = 4096;
constexpr std::int64_t kPagesPerTransaction = 6;  // of tables and indexes, about
// The receiving side works the log off first, so that senders hardly ever have to.
constexpr std::int64_t kCheckpointPagesReceiving = 1'000;
constexpr std::int64_t kCheckpointPagesSending = 4'000;
constexpr std::uintmax_t kLogBytesMax = 64u << 20;
constexpr std::int64_t kFreePagesMax = 8'192;
constexpr std::int64_t kLivePagesToVacuum = 1'024;
constexpr std::uint64_t kAcksPerSpaceCheck = 64;
constexpr std::uint64_t kRedriveAtOnce = 100;

std::int64_t bounded_ms(milliseconds timeout) {
  return std::clamp(timeout, milliseconds{0}, kTimeoutMax).count();
}

std::int64_t pages_of(std::string_view body) {
  return static_cast<std::int64_t>(body.size()) / kPageBytes + 1;
}

}  // namespace

struct SqliteQueue::State {
  enum class Durability { kUnknown, kOnDisk, kInSystem };

  State(QueueFile opened, const SqliteQueueOptions& the_options, const Clock& the_clock,
        Log& the_log)
      : options(the_options),
        clock(the_clock),
        log(the_log),
        file(std::move(opened)),
        checkpoint_state(the_log, "queue " + the_options.name),
        clock_offset(offset_now().count()) {}

  std::int64_t now() const { return clock.wall().time_since_epoch().count(); }
  milliseconds offset_now() const { return ClockStep::offset_of(clock); }

  // Runs `work` in a transaction of its own.
  template <class Work>
  std::invoke_result_t<Work> write(Durability durability, Work work);
  // Runs `work` on the reading connection.
  template <class Work>
  std::invoke_result_t<Work> read(Work work);

  Status check_usable() const;
  Status set_durability(Durability wanted);
  void note(const Error& error);
  void notify();

  Status insert(const OutgoingMessage& message, std::int64_t time);
  Result<std::optional<std::int64_t>> first_visible_at();
  struct Candidate {
    MessageKey key;
    std::int64_t failures;
    std::string damage;  // why it cannot be delivered; empty: it can
    Delivery delivery;
  };
  Result<std::vector<Candidate>> select_visible(std::size_t count_max, std::int64_t time);
  Result<std::vector<Delivery>> take(std::size_t count_max, milliseconds visibility);
  Result<bool> remove(MessageKey key);
  Status bury(MessageKey key, const std::string& reason);
  Status set_aside(std::int64_t id, const std::string& reason);
  Status adopt();
  Status adopt_at_open();
  void tell(std::uint64_t given_up, std::uint64_t damaged);
  Status pull_back_when_stepped();
  Status pull_back_now_and_then();
  Status pull_back(const char* what);
  void note_written(std::int64_t pages, std::int64_t pages_max);
  Status checkpoint();
  void give_back_space();

  const SqliteQueueOptions options;
  const Clock& clock;
  Log& log;

  QueueFile file;
  sqlite::Connection& writer = file.writer;
  QueueStatements& sql = file.sql;
  std::mutex write_mutex;  // over the writing connection and its statements
  Durability durability = Durability::kUnknown;
  std::mutex read_mutex;        // over the reading one
  std::mutex checkpoint_mutex;  // over the checkpointing one

  std::mutex failure_mutex;
  std::string failure;  // set once
  std::atomic<bool> is_failed = false;
  StateLog checkpoint_state;

  std::mutex wait_mutex;
  std::condition_variable changed;
  std::uint64_t changes = 0;

  std::atomic<std::int64_t> clock_offset;
  std::atomic<MonoTime::rep> pulled_back_at = clock.mono().time_since_epoch().count();
  std::atomic<std::int64_t> pages_written = 0;  // about, since the last checkpoint
  std::atomic<std::uint64_t> acks = 0;
};

template <class Work>
std::invoke_result_t<Work> SqliteQueue::State::write(Durability wanted, Work work) {
  auto result = [&]() -> std::invoke_result_t<Work> {
    const std::scoped_lock lock(write_mutex);
    if (auto usable = check_usable(); !usable) return std::unexpected(usable.error());
    if (auto set = set_durability(wanted); !set) return std::unexpected(set.error());
    auto transaction = Transaction::begin(writer, Transaction::Kind::kWrite);
    if (!transaction) return std::unexpected(transaction.error());
    auto done = work();
    if (!done) return done;
    if (auto committed = transaction->commit(); !committed) {
      return std::unexpected(committed.error());
    }
    return done;
  }();
  if (!result) note(result.error());
  return result;
}

template <class Work>
std::invoke_result_t<Work> SqliteQueue::State::read(Work work) {
  auto result = [&]() -> std::invoke_result_t<Work> {
    const std::scoped_lock lock(read_mutex);
    if (auto usable = check_usable(); !usable) return std::unexpected(usable.error());
    return work();
  }();
  if (!result) note(result.error());
  return result;
}

Status SqliteQueue::State::check_usable() const {
  if (!is_failed) return {};
  return fail(Errc::kUnavailable, "queue " + options.name + ": restart needed: " + failure);
}

Status SqliteQueue::State::set_durability(Durability wanted) {
  if (durability == wanted) return {};
  durability = Durability::kUnknown;
  auto set = writer.execute(wanted == Durability::kOnDisk ? "PRAGMA synchronous=FULL"
                                                          : "PRAGMA synchronous=NORMAL");
  if (set) durability = wanted;
  return set;
}

// Damage and a failed fsync are final.
void SqliteQueue::State::note(const Error& error) {
  if (error.code != Errc::kCorrupt) return;
  const std::scoped_lock lock(failure_mutex);
  if (is_failed) return;
  failure = error.message;
  is_failed = true;
  log.error("queue " + options.name, "stops until the program is restarted",
            {{"cause", error.message}});
}

void SqliteQueue::State::notify() {
  {
    const std::scoped_lock lock(wait_mutex);
    ++changes;
  }
  changed.notify_all();
}

Status SqliteQueue::State::insert(const OutgoingMessage& message, std::int64_t time) {
  const auto delay = bounded_ms(message.delay);
  auto& insert = sql.insert_message.bind(1, time + delay).bind(2, delay).bind(3, time);
  if (auto inserted = insert.bind(4, body_sum(message.body)).run(); !inserted) return inserted;
  return sql.insert_body.bind(1, writer.last_insert_rowid()).bind_blob(2, message.body).run();
}

Result<std::optional<std::int64_t>> SqliteQueue::State::first_visible_at() {
  return read([&]() -> Result<std::optional<std::int64_t>> {
    const sqlite::ResetAtEnd reset(sql.first_visible_at);
    const auto row = sql.first_visible_at.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    return std::max<std::int64_t>(sql.first_visible_at.integer(0), 0);
  });
}

// Part of a write. The visible ones as they would be delivered.
Result<std::vector<SqliteQueue::State::Candidate>> SqliteQueue::State::select_visible(
    std::size_t count_max, std::int64_t time) {
  constexpr std::size_t kLimitMax = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kReceivesMax = std::numeric_limits<std::int32_t>::max();
  auto& select = sql.select_visible;
  const sqlite::ResetAtEnd reset(select);
  select.bind(1, time).bind(2, static_cast<std::int64_t>(std::min(count_max, kLimitMax)));
  std::vector<Candidate> candidates;
  while (true) {
    const auto row = select.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return candidates;
    const auto receives = std::clamp<std::int64_t>(select.integer(1), 0, kReceivesMax);
    const MessageKey key{select.integer(0), receives + 1};
    candidates.push_back({key,
                          select.integer(3),
                          damage_of(select, 4, 5),
                          {.body = std::string(select.blob(4)),
                           .receipt = receipt_of(key),
                           .receive_count = static_cast<std::uint32_t>(key.receive_count),
                           .sent_at = WallTime{milliseconds{select.integer(2)}}}});
  }
}

// Part of a write.
Result<std::vector<Delivery>> SqliteQueue::State::take(std::size_t count_max,
                                                       milliseconds visibility) {
  const auto time = now();
  const auto timeout = bounded_ms(visibility);
  auto candidates = select_visible(count_max, time);
  if (!candidates) return std::unexpected(candidates.error());
  std::vector<Delivery> deliveries;
  std::uint64_t given_up = 0;
  std::uint64_t damaged = 0;
  for (auto& [key, failures, damage, delivery] : *candidates) {
    const auto [id, count] = key;
    const bool is_given_up = options.receives_max > 0 && failures >= options.receives_max;
    if (!damage.empty() || is_given_up) {
      const auto reason = damage.empty()
                              ? "received " + std::to_string(failures) + " times, never acked"
                              : damage;
      if (auto kept = set_aside(id, reason); !kept) return std::unexpected(kept.error());
      ++(damage.empty() ? given_up : damaged);
      continue;
    }
    auto& mark = sql.mark_received;
    mark.bind(1, id).bind(2, time + timeout).bind(3, timeout);
    auto marked = mark.bind(4, count).bind(5, failures).run();
    if (!marked) return std::unexpected(marked.error());
    deliveries.push_back(std::move(delivery));
  }
  if (damaged > 0) {
    if (auto adopted = adopt(); !adopted) return std::unexpected(adopted.error());
  }
  tell(given_up, damaged);
  return deliveries;
}

void SqliteQueue::State::tell(std::uint64_t given_up, std::uint64_t damaged) {
  constexpr auto* kAdvice = "influencer-analytics queues redrive brings them back";
  const auto part = "queue " + options.name;
  if (damaged > 0) {
    log.error(part, "messages go to the dead letters: they are damaged on the disk",
              {{"messages", damaged}, {"advice", "check the disk"}});
  }
  if (given_up > 0) {
    log.error(part, "messages go to the dead letters, received in vain too often",
              {{"messages", given_up}, {"limit", options.receives_max}, {"advice", kAdvice}});
  }
}

// Part of a write.
Status SqliteQueue::State::adopt() {
  const auto adopted = adopt_bodies(file, now());
  if (!adopted) return std::unexpected(adopted.error());
  if (*adopted == 0) return {};
  log.error("queue " + options.name, "messages were lost to damage on the disk: sent again",
            {{"messages", *adopted}, {"advice", "check the disk"}});
  return {};
}

// A look that changes nothing as a rule, so that it takes no turn to write.
Status SqliteQueue::State::adopt_at_open() {
  const auto count = read([&] { return count_ownerless(file.reader); });
  if (!count) return std::unexpected(count.error());
  if (*count == 0) return {};
  return write(Durability::kOnDisk, [&] { return adopt(); });
}

// Part of a write. Whatever the row says of its deliveries.
Status SqliteQueue::State::set_aside(std::int64_t id, const std::string& reason) {
  if (auto gone = sql.forget_message.bind(1, id).run(); !gone) return gone;
  return keep_as_dead(sql, id, now(), reason, kDeadLettersMax);
}

// Part of a write. Gives false when the receipt is void; leaves the body.
Result<bool> SqliteQueue::State::remove(MessageKey key) {
  auto removed = sql.delete_message.bind(1, key.id).bind(2, key.receive_count).run();
  if (!removed) return std::unexpected(removed.error());
  return writer.changes() > 0;
}

// Part of a write.
Status SqliteQueue::State::bury(MessageKey key, const std::string& reason) {
  const auto removed = remove(key);
  if (!removed) return std::unexpected(removed.error());
  if (!*removed) {
    return fail(Errc::kNotFound, "queue " + options.name + ": the receipt is void: the message " +
                                     "was delivered again, or deleted");
  }
  return keep_as_dead(sql, key.id, now(), reason, kDeadLettersMax);
}

Status SqliteQueue::State::pull_back_when_stepped() {
  const auto offset = offset_now().count();
  const auto last = clock_offset.exchange(offset);
  if (offset > last - kClockStepMin.count()) return pull_back_now_and_then();
  auto pulled = pull_back("the wall clock stepped back: timeouts begin anew");
  if (!pulled) clock_offset = last;  // seen again next time
  return pulled;
}

Status SqliteQueue::State::pull_back_now_and_then() {
  const auto mono = clock.mono().time_since_epoch().count();
  const auto last = pulled_back_at.load();
  if (mono - last < MonoTime::duration{kPullBackEvery}.count()) return {};
  pulled_back_at = mono;
  return pull_back("messages would be invisible for longer than their timeouts: these begin anew");
}

Status SqliteQueue::State::pull_back(const char* what) {
  std::int64_t count = 0;
  auto pulled = write(Durability::kInSystem, [&]() -> Status {
    auto done = sql.pull_back.bind(1, now()).run();
    count = writer.changes();
    return done;
  });
  if (pulled && count > 0) {
    log.warning("queue " + options.name, what, {{"messages", count}});
  }
  return pulled;
}

// What is committed stays committed whatever happens here, so only a failed fsync is passed on.
void SqliteQueue::State::note_written(std::int64_t pages, std::int64_t pages_max) {
  pages_written += pages + kPagesPerTransaction;
  if (pages_written < pages_max) return;
  const std::unique_lock lock(checkpoint_mutex, std::try_to_lock);
  if (!lock) return;
  pages_written = 0;
  const auto done = checkpoint();
  if (done) {
    checkpoint_state.recovered("checkpoints succeed again");
  } else {
    checkpoint_state.failing("cannot checkpoint, the log grows", done.error().message);
    note(done.error());
  }
}

// A passive checkpoint delays nobody, but needs a quiet moment to let the log begin anew. When it
// has found none for long, one that waits for it.
Status SqliteQueue::State::checkpoint() {
  const auto done = file.checkpointer.integer("PRAGMA wal_checkpoint(PASSIVE)");
  if (!done) return std::unexpected(done.error());
  std::error_code ignored;
  const auto bytes =
      std::filesystem::file_size(file.checkpointer.file().string() + "-wal", ignored);
  if (ignored || bytes <= kLogBytesMax) return {};
  const auto emptied = file.checkpointer.integer("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!emptied) return std::unexpected(emptied.error());
  return {};
}

// VACUUM costs what is in use, so it is cheap exactly when there is much to give back.
void SqliteQueue::State::give_back_space() {
  if (++acks % kAcksPerSpaceCheck != 0) return;
  const std::scoped_lock lock(write_mutex);
  const auto free = writer.integer("PRAGMA freelist_count");
  const auto all = writer.integer("PRAGMA page_count");
  if (!free || !all || *free < kFreePagesMax || *all - *free > kLivePagesToVacuum) return;
  const auto done = writer.execute("VACUUM");
  if (!done && done.error().code == Errc::kCorrupt) note(done.error());
  pages_written += kCheckpointPagesReceiving;  // the file shrinks with the next checkpoint
}

SqliteQueue::SqliteQueue(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteQueue::~SqliteQueue() = default;

Result<std::unique_ptr<SqliteQueue>> SqliteQueue::open(const SqliteQueueOptions& options,
                                                       const Clock& clock, Log& log) {
  if (!is_queue_name(options.name)) {
    return fail(Errc::kInvalid, "queue name \"" + options.name +
                                    "\": use 1 to 80 letters, digits, \"_\" and \"-\"");
  }
  auto opened = QueueFile::open(options.directory / (options.name + ".db"));
  if (!opened) return std::unexpected(opened.error());
  auto state = std::make_unique<State>(std::move(*opened), options, clock, log);
  auto begun = state->pull_back("the wall clock stepped back: timeouts begin anew");
  if (begun) begun = state->adopt_at_open();
  if (!begun) return std::unexpected(begun.error());
  return std::unique_ptr<SqliteQueue>(new SqliteQueue(std::move(state)));
}

Result<std::vector<EntryError>> SqliteQueue::send(std::span<const OutgoingMessage> messages) {
  if (messages.empty()) return std::vector<EntryError>{};
  auto& state = *state_;
  std::int64_t pages = 0;
  auto sent = state.write(State::Durability::kOnDisk, [&]() -> Status {
    const auto time = state.now();
    for (const auto& message : messages) {
      if (auto inserted = state.insert(message, time); !inserted) return inserted;
      pages += pages_of(message.body);
    }
    return {};
  });
  if (!sent) return std::unexpected(sent.error());
  state.notify();
  state.note_written(pages, kCheckpointPagesSending);
  return std::vector<EntryError>{};
}

Result<std::vector<Delivery>> SqliteQueue::receive(std::size_t count_max, milliseconds visibility,
                                                   milliseconds wait) {
  if (count_max == 0) return std::vector<Delivery>{};
  auto& state = *state_;
  const auto deadline = state.clock.mono() + wait;
  std::uint64_t seen = 0;
  while (true) {
    {
      const std::scoped_lock lock(state.wait_mutex);
      seen = state.changes;
    }
    if (auto pulled = state.pull_back_when_stepped(); !pulled) {
      return std::unexpected(pulled.error());
    }
    const auto first = state.first_visible_at();
    if (!first) return std::unexpected(first.error());
    const auto until_visible = milliseconds{first->value_or(INT64_MAX) - state.now()};
    if (until_visible <= milliseconds{0}) {
      auto taken = state.write(State::Durability::kInSystem,
                               [&] { return state.take(count_max, visibility); });
      if (!taken) return taken;
      state.note_written(0, kCheckpointPagesReceiving);
      if (!taken->empty()) return taken;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - state.clock.mono());
    if (left <= milliseconds{0}) return std::vector<Delivery>{};
    std::unique_lock lock(state.wait_mutex);
    state.changed.wait_for(lock, std::min({kPollInterval, until_visible, left}),
                           [&] { return state.changes != seen; });
  }
}

Result<std::vector<EntryError>> SqliteQueue::ack(std::span<const Receipt> receipts) {
  if (receipts.empty()) return std::vector<EntryError>{};
  auto& state = *state_;
  auto acked = state.write(State::Durability::kInSystem, [&]() -> Status {
    for (const auto& receipt : receipts) {
      const auto key = parse_receipt(receipt);
      if (!key) continue;
      const auto removed = state.remove(*key);
      if (!removed) return std::unexpected(removed.error());
      if (!*removed) continue;
      if (auto gone = state.sql.delete_body.bind(1, key->id).run(); !gone) return gone;
    }
    return {};
  });
  if (!acked) return std::unexpected(acked.error());
  state.give_back_space();
  state.note_written(std::ssize(receipts), kCheckpointPagesReceiving);
  return std::vector<EntryError>{};
}

Result<std::vector<EntryError>> SqliteQueue::change_visibility(
    std::span<const VisibilityChange> changes) {
  if (changes.empty()) return std::vector<EntryError>{};
  auto& state = *state_;
  auto errors = state.write(State::Durability::kInSystem, [&]() -> Result<std::vector<EntryError>> {
    std::vector<EntryError> void_ones;
    const auto time = state.now();
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const auto timeout = bounded_ms(changes[i].timeout);
      const auto key = parse_receipt(changes[i].receipt);
      auto& change = state.sql.change_visibility;
      if (key) {
        change.bind(1, key->id).bind(2, key->receive_count);
        auto changed = change.bind(3, time + timeout).bind(4, timeout).run();
        if (!changed) return std::unexpected(changed.error());
      }
      if (key && state.writer.changes() > 0) {
        if (!changes[i].excused) continue;
        auto excused = state.sql.excuse.bind(1, key->id).bind(2, key->receive_count).run();
        if (!excused) return std::unexpected(excused.error());
        continue;
      }
      void_ones.push_back(
          {i, {Errc::kNotFound, "queue " + state.options.name + ": the receipt is void"}});
    }
    return void_ones;
  });
  if (!errors) return errors;
  state.notify();
  state.note_written(0, kCheckpointPagesReceiving);
  return errors;
}

Status SqliteQueue::bury(const Receipt& receipt, const DeadLetter& letter) {
  auto& state = *state_;
  const auto key = parse_receipt(receipt).value_or(MessageKey{0, 0});
  auto buried =
      state.write(State::Durability::kInSystem, [&] { return state.bury(key, letter.reason); });
  if (buried) state.note_written(0, kCheckpointPagesReceiving);
  return buried;
}

Result<std::vector<DeadLetter>> SqliteQueue::dead_letters(std::size_t count_max) const {
  return state_->read([&]() -> Result<std::vector<DeadLetter>> {
    std::vector<DeadLetter> letters;
    auto& select = state_->sql.select_dead;
    const sqlite::ResetAtEnd reset(select);
    select.bind(1, static_cast<std::int64_t>(std::min<std::size_t>(count_max, kDeadLettersMax)));
    while (true) {
      const auto row = select.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return letters;
      letters.push_back({std::string(select.blob(0)), std::string(select.text(1))});
    }
  });
}

Result<QueueDepth> SqliteQueue::depth() const {
  return state_->read([&]() -> Result<QueueDepth> {
    const auto time = state_->now();
    auto& messages = state_->sql.count_messages;
    auto& dead = state_->sql.count_dead;
    const sqlite::ResetAtEnd reset_messages(messages);
    const sqlite::ResetAtEnd reset_dead(dead);
    const auto counted = messages.bind(1, time).step();
    if (!counted) return std::unexpected(counted.error());
    const auto counted_dead = dead.step();
    if (!counted_dead) return std::unexpected(counted_dead.error());
    const auto count = [&](int column) {
      return static_cast<std::uint64_t>(messages.integer(column));
    };
    QueueDepth depth{.visible = count(0),
                     .in_flight = count(1),
                     .delayed = count(2),
                     .dead = static_cast<std::uint64_t>(dead.integer(0))};
    const auto oldest = std::max<std::int64_t>(messages.integer(3), 0);  // what a file may say
    if (depth.visible > 0) depth.oldest_age = milliseconds{time - oldest};
    return depth;
  });
}

Result<std::uint64_t> SqliteQueue::redrive() {
  auto& state = *state_;
  const auto before = depth();
  if (!before) return std::unexpected(before.error());
  std::uint64_t moved = 0;
  while (moved < before->dead) {
    const auto end = std::min<std::uint64_t>(before->dead, moved + kRedriveAtOnce);
    auto done = state.write(State::Durability::kOnDisk, [&]() -> Result<std::uint64_t> {
      auto count = moved;
      while (count < end) {
        const auto one = redrive_oldest(state.file, state.now());
        if (!one) return std::unexpected(one.error());
        if (!*one) break;
        ++count;
      }
      return count;
    });
    if (!done) return done;
    if (*done == moved) break;
    moved = *done;
    state.notify();
    state.note_written(kCheckpointPagesReceiving, kCheckpointPagesReceiving);
  }
  return moved;
}

Status SqliteQueue::purge() {
  auto& state = *state_;
  auto purged = state.write(State::Durability::kOnDisk, [&]() -> Status {
    return state.writer.execute(
        "DELETE FROM bodies WHERE id NOT IN (SELECT message_id FROM dead); DELETE FROM messages");
  });
  if (purged) state.note_written(kCheckpointPagesReceiving, kCheckpointPagesReceiving);
  return purged;
}

}  // namespace ia
