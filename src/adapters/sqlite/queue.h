#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "ports/queue.h"

namespace ia {

struct SqliteQueueOptions {
  std::filesystem::path directory;  // must exist
  std::string name;                 // letters, digits, "_" and "-"; at most 80
  // A message that was delivered this often in vain goes to the dead letters when it would be
  // delivered once more; deliveries that were excused do not count. 0: no limit.
  std::uint32_t receives_max = 0;
};

// The embedded queue: one SQLite file, `<directory>/<name>.db`, and no server. Any number of
// threads and processes of one machine share it. File format: docs/formats.md, Embedded queue.
//
// Durability. A send or purge that returned is on the disk (fsync), whatever happens next. What
// receive, ack, change_visibility and bury did survives the end of the process (kill -9) at once,
// but is on the disk only with the next send or checkpoint: a power failure may undo it, and then
// a message is delivered once more, which at-least-once allows. That halves the fsyncs.
//
// Order: what has been visible for longest comes first.
//
// Cost on two virtual cores (bench/queue_bench): a message of 8 KB, sent, received and acked in
// batches of ten, 33 us of CPU; a send waits for one fsync. A look that finds nothing is one short
// read of an index, 2 us. A waiting receiver looks at once when this process changes the queue,
// when the next message becomes visible by time, and every 25 ms for other processes. Once in some
// 4 MB written, an operation of the receiving side also writes the log back (10 to 30 ms); sends
// do so only when nobody receives, once in 16 MB. A log of more than 64 MB is emptied at once.
//
// Time. Visibility is wall time in the file. When the wall clock steps back, no message stays
// invisible for longer than its own timeout: each one further away is pulled back to `now` + its
// timeout, by the next receive that sees the step and by open. When it steps forward, messages
// become visible early. Waits run on the monotonic clock: under a ManualClock let `wait` be 0.
//
// Space. Pages of deleted messages are reused. After a backlog was worked off, an ack gives the
// file's space back (more than 32 MB of it, when at most 4 MB are in use). Of the dead letters
// the newest 10,000 are kept.
//
// Errors. kUnavailable: a full disk, failed I/O, or a write lock that another process holds for
// more than five seconds. kCorrupt: a damaged file or a failed fsync; after it every operation is
// refused as kUnavailable with "restart needed", because nobody knows what the disk holds.
class SqliteQueue final : public Queue {
 public:
  // Creates the file, with mode 0600, or opens it. kInvalid: a name that cannot be a file name, a
  // file that is no queue, or one written by a newer version. The clock and the log must outlive
  // the queue.
  static Result<std::unique_ptr<SqliteQueue>> open(const SqliteQueueOptions& options,
                                                   const Clock& clock, Log& log);
  ~SqliteQueue() override;

  Result<std::vector<EntryError>> send(std::span<const OutgoingMessage> messages) override;
  Result<std::vector<Delivery>> receive(std::size_t count_max, std::chrono::milliseconds visibility,
                                        std::chrono::milliseconds wait) override;
  Result<std::vector<EntryError>> ack(std::span<const Receipt> receipts) override;
  Result<std::vector<EntryError>> change_visibility(
      std::span<const VisibilityChange> changes) override;
  // The dead letter's body is the message's own. A void receipt: kNotFound.
  Status bury(const Receipt& receipt, const DeadLetter& letter) override;
  Result<std::vector<DeadLetter>> dead_letters(std::size_t count_max) const override;
  Result<QueueDepth> depth() const override;
  Status purge() override;

  // Sends all dead letters back to the queue, as new messages that are visible now. Returns how
  // many there were.
  Result<std::uint64_t> redrive();

 private:
  struct State;
  explicit SqliteQueue(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ia
