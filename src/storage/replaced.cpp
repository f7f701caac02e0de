// The files of segments/ against the catalog. The names are rows of store.db, so they are checked
// before a file is deleted by them: a damaged row must not name a file of somebody else.

#include "storage/replaced.h"

#include <algorithm>
#include <array>

namespace ia::sqlite_store {
namespace {

namespace fs = std::filesystem;

bool is_own_name(std::string_view name) {
  const bool is_segment = name.starts_with("hour-") || name.starts_with("day-");
  return is_segment && name.find('/') == std::string_view::npos;
}

Result<std::vector<std::string>> names_of(sqlite::Connection& db, const char* sql) {
  auto select = db.prepare(sql);
  if (!select) return std::unexpected(select.error());
  std::vector<std::string> names;
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return names;
    names.emplace_back(select->text(0));
  }
}

Status run_with_name(sqlite::Connection& db, const char* sql, const std::string& name) {
  auto statement = db.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  return statement->bind_text(1, name).run();
}

std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto at = fs::directory_iterator(directory, error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

Status note_replaced(sqlite::Connection& db, const std::string& name) {
  return run_with_name(db, "INSERT OR IGNORE INTO replaced VALUES (?1)", name);
}

Status forget_replaced(sqlite::Connection& db, const std::string& name) {
  return run_with_name(db, "DELETE FROM replaced WHERE name = ?1", name);
}

Status remove_replaced(const Files& files, WriteGate& gate, sqlite::Connection& db,
                       Drafts drafts) {
  auto names =
      names_of(db, "SELECT name FROM replaced WHERE name NOT IN (SELECT name FROM segment)");
  if (!names) return std::unexpected(names.error());
  if (drafts == Drafts::kKept) {
    std::erase_if(*names, [](const auto& name) { return name.ends_with(kDraftSuffix); });
  }
  std::vector<std::string> gone;
  for (const auto& name : *names) {
    std::error_code error;
    if (is_own_name(name)) fs::remove(files.segment(name), error);
    if (!error) gone.push_back(name);
  }
  if (gone.empty()) return {};
  return write_gated(gate, db, [&]() -> Status {
    for (const auto& name : gone) {
      if (auto forgotten = forget_replaced(db, name); !forgotten) return forgotten;
    }
    return {};
  });
}

std::string unused_name(const Files& files, const std::string& stem) {
  const auto is_used = [&](const std::string& name) {
    std::error_code ignored;
    return fs::exists(files.segment(name), ignored) ||
           fs::exists(files.segment(name + std::string(kDraftSuffix)), ignored);
  };
  const std::string suffix(kPackedSuffix);
  auto name = stem + suffix;
  for (int number = 2; is_used(name); ++number) name = stem + "-" + std::to_string(number) + suffix;
  return name;
}

Result<std::vector<std::string>> unlisted_files(const Files& files, sqlite::Connection& db) {
  auto listed = names_of(db, "SELECT name FROM segment");
  if (!listed) return listed;
  const auto has_table =
      db.integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'replaced'");
  if (!has_table) return std::unexpected(has_table.error());
  if (*has_table > 0) {
    const auto replaced = names_of(db, "SELECT name FROM replaced");
    if (!replaced) return replaced;
    listed->insert(listed->end(), replaced->begin(), replaced->end());
  }
  auto names = files_in(files.segments());
  std::erase_if(names, [&](const auto& name) {
    return std::ranges::find(*listed, name) != listed->end();
  });
  return names;
}

}  // namespace ia::sqlite_store
