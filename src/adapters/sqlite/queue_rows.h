#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/sqlite/queue_file.h"
#include "ports/queue.h"

// The rows of an embedded queue: which delivery a receipt is of, and what is done about rows that
// are damaged. Private to SqliteQueue.
namespace ia::sqlite_queue {

struct MessageKey {
  std::int64_t id;
  std::int64_t receive_count;
};

Receipt receipt_of(MessageKey key);
std::optional<MessageKey> parse_receipt(const Receipt& receipt);

// Stored with a message, and compared with its body on delivery: docs/formats.md.
std::int64_t body_sum(std::string_view body);

// Why the row under a statement cannot be delivered; empty: it can. `body` and `sum` are its
// columns of these; messages of older programs have no sum.
std::string damage_of(const sqlite::Statement& row, int body, int sum);

// Bodies that neither a message nor a dead letter has.
Result<std::int64_t> count_ownerless(sqlite::Connection& db);

// The functions below are parts of a write.

// Puts a message that is deleted already, or will be, among the dead letters, and keeps the newest
// `kept`. Its body stays where it is; one that is gone becomes an empty one.
Status keep_as_dead(QueueStatements& sql, std::int64_t id, std::int64_t now,
                    const std::string& reason, std::int64_t kept);

// Gives each of those bodies a message that is visible now: what had it is damaged. Returns how
// many.
Result<std::uint64_t> adopt_bodies(QueueFile& file, std::int64_t now);

// Makes the oldest dead letter a message that is visible now. False when there is none. It has
// no sum: whoever sends it back takes it as it is.
Result<bool> redrive_oldest(QueueFile& file, std::int64_t now);

}  // namespace ia::sqlite_queue
