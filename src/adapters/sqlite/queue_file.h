#pragma once

#include <filesystem>
#include <string>

#include "base/sqlite.h"

namespace ia {

// Whether a queue may have this name: its file has, too.
bool is_queue_name(const std::string& name);

// Every statement that the queue runs, compiled once.
struct QueueStatements {
  static Result<QueueStatements> prepare(sqlite::Connection& writer, sqlite::Connection& reader);

  sqlite::Statement insert_message, insert_body, select_visible, mark_received, delete_message,
      delete_body, change_visibility, insert_dead, trim_bodies, trim_dead, pull_back, excuse,
      oldest_dead, move_body, delete_dead, insert_gone_body, select_ownerless,
      forget_message;
  sqlite::Statement first_visible_at, count_messages, count_dead, select_dead;
};

// The file of an embedded queue: its schema, its connections, its statements. Private to
// SqliteQueue.
struct QueueFile {
  // Creates the file or opens it. kInvalid: not a queue, or written by a newer version.
  static Result<QueueFile> open(const std::filesystem::path& file);

  sqlite::Connection writer;
  sqlite::Connection reader;
  sqlite::Connection checkpointer;
  QueueStatements sql;  // after the connections: it must go first
};

}  // namespace ia
