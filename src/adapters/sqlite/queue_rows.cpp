#include "adapters/sqlite/queue_rows.h"

#include <charconv>
#include <vector>

#include "base/sqlite_pages.h"

namespace ia::sqlite_queue {

Receipt receipt_of(MessageKey key) {
  return std::to_string(key.id) + "." + std::to_string(key.receive_count);
}

std::optional<MessageKey> parse_receipt(const Receipt& receipt) {
  MessageKey key{};
  const auto* end = receipt.data() + receipt.size();
  const auto id = std::from_chars(receipt.data(), end, key.id);
  if (id.ec != std::errc{} || id.ptr == end || *id.ptr != '.') return std::nullopt;
  const auto count = std::from_chars(id.ptr + 1, end, key.receive_count);
  if (count.ec != std::errc{} || count.ptr != end) return std::nullopt;
  return key;
}

std::int64_t body_sum(std::string_view body) {
  return static_cast<std::int64_t>(sqlite::page_checksum(body, 0));
}

std::string damage_of(const sqlite::Statement& row, int body, int sum) {
  if (row.is_null(body)) return "damaged on the disk: its body is gone";
  if (row.is_null(sum) || row.integer(sum) == body_sum(row.blob(body))) return {};
  return "damaged on the disk: its body is not the one that was sent";
}

Result<std::int64_t> count_ownerless(sqlite::Connection& db) {
  return db.integer(
      "SELECT count(*) FROM bodies WHERE id NOT IN (SELECT id FROM messages)"
      " AND id NOT IN (SELECT message_id FROM dead)");
}

Status keep_as_dead(QueueStatements& sql, std::int64_t id, std::int64_t now,
                    const std::string& reason, std::int64_t kept) {
  if (auto made = sql.insert_gone_body.bind(1, id).run(); !made) return made;
  auto added = sql.insert_dead.bind(1, id).bind(2, now).bind_text(3, reason).run();
  if (!added) return added;
  if (auto trimmed = sql.trim_bodies.bind(1, kept).run(); !trimmed) return trimmed;
  return sql.trim_dead.bind(1, kept).run();
}

namespace {

Result<std::vector<std::int64_t>> ownerless_bodies(sqlite::Statement& select) {
  const sqlite::ResetAtEnd reset(select);
  std::vector<std::int64_t> ids;
  while (true) {
    const auto row = select.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return ids;
    ids.push_back(select.integer(0));
  }
}

// Of a body that is there already; visible now. Returns its id: ids are never used twice.
Result<std::int64_t> add_message(QueueFile& file, std::int64_t now) {
  auto& insert = file.sql.insert_message.bind(1, now).bind(2, std::int64_t{0}).bind(3, now);
  if (auto added = insert.bind_null(4).run(); !added) return std::unexpected(added.error());
  return file.writer.last_insert_rowid();
}

// Under a new id, as damage may have made the old one any number. False where the body is not
// found by its id: then the message would have none.
Result<bool> adopt(QueueFile& file, std::int64_t id, std::int64_t now) {
  auto& sql = file.sql;
  const auto made = add_message(file, now);
  if (!made) return std::unexpected(made.error());
  const auto fresh = *made;
  if (auto moved = sql.move_body.bind(1, id).bind(2, fresh).run(); !moved) {
    return std::unexpected(moved.error());
  }
  if (file.writer.changes() > 0) return true;
  auto undone = sql.delete_message.bind(1, fresh).bind(2, std::int64_t{0}).run();
  if (!undone) return std::unexpected(undone.error());
  return false;
}

}  // namespace

Result<std::uint64_t> adopt_bodies(QueueFile& file, std::int64_t now) {
  const auto ids = ownerless_bodies(file.sql.select_ownerless);
  if (!ids) return std::unexpected(ids.error());
  std::uint64_t count = 0;
  for (const auto id : *ids) {
    const auto adopted = adopt(file, id, now);
    if (!adopted) return std::unexpected(adopted.error());
    count += *adopted ? 1u : 0u;
  }
  return count;
}

Result<bool> redrive_oldest(QueueFile& file, std::int64_t now) {
  auto& sql = file.sql;
  std::int64_t number = 0;
  std::int64_t old_id = 0;
  {
    const sqlite::ResetAtEnd reset(sql.oldest_dead);
    const auto row = sql.oldest_dead.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return false;
    number = sql.oldest_dead.integer(0);
    old_id = sql.oldest_dead.integer(1);
  }
  const auto added = add_message(file, now);
  if (!added) return std::unexpected(added.error());
  if (auto moved = sql.move_body.bind(1, old_id).bind(2, *added).run(); !moved) {
    return std::unexpected(moved.error());
  }
  if (auto gone = sql.delete_dead.bind(1, number).run(); !gone) {
    return std::unexpected(gone.error());
  }
  return true;
}

}  // namespace ia::sqlite_queue
