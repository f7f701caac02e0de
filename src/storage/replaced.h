#pragma once

#include <string>
#include <vector>

#include "storage/tables.h"

// Which files of segments/ may be deleted: those that the table `replaced` of store.db names. A
// file's name enters it in the transaction that takes its content out of the catalog, or before a
// draft is begun, so each of them is proven to be of this store's making and needed no more.
// Nothing else is ever deleted: store.db may be an older copy, or a fresh one after a loss, and a
// file that it does not know may be the only copy of its hours.
namespace ia::sqlite_store {

// Within a write transaction of `db`.
Status note_replaced(sqlite::Connection& db, const std::string& name);
Status forget_replaced(sqlite::Connection& db, const std::string& name);

// Deletes the segments that may be; what cannot be deleted is tried again by the next call. Drafts
// only while no job is under way, whose draft it might be.
enum class Drafts : std::uint8_t { kKept, kRemoved };
Status remove_replaced(const Files& files, WriteGate& gate, sqlite::Connection& db,
                       Drafts drafts = Drafts::kKept);

// `stem` with a number if need be, so that neither a segment nor a draft has the name yet.
std::string unused_name(const Files& files, const std::string& stem);

// The names of the files that neither the catalog nor the table has, ascending.
Result<std::vector<std::string>> unlisted_files(const Files& files, sqlite::Connection& db);

}  // namespace ia::sqlite_store
