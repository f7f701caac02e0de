// Rows of the embedded databases that somebody else has changed: whatever stands in a column, each
// store opens and answers, or says that it cannot. The input is a list of such changes.
#include <sqlite3.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/alert_store.h"
#include "adapters/sqlite/queue.h"
#include "adapters/sqlite/verdict_store.h"
#include "storage/embedded_store.h"
#include "testing/manual_clock.h"

namespace {

using namespace ia;
namespace fs = std::filesystem;

void check_that(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  bool empty() const { return at_ == end_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : *at_++; }
  std::int64_t number() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return static_cast<std::int64_t>(value);
  }
  std::string text() {
    std::string text;
    for (auto left = byte(); left > 0 && !empty(); --left) text += static_cast<char>(byte());
    return text;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// The databases as the stores themselves make them, with something in every table.
struct Folder {
  static constexpr WallTime kNow = ManualClock::kStart;

  Folder() {
    char name[] = "/tmp/sqlite_rows_fuzz.XXXXXX";
    check_that(::mkdtemp(name) != nullptr);
    path = name;
    fill();
    for (const auto& entry : fs::directory_iterator(path)) originals.push_back(entry.path());
    for (const auto& file : originals) {
      if (fs::is_regular_file(file)) fs::copy_file(file, file.string() + ".original");
    }
  }
  ~Folder() { fs::remove_all(path); }

  void fill() {
    ManualClock clock;
    auto store = open_sqlite_store({.directory = path}, log).value();
    const auto minute = minute_of(kNow);
    const PointBatch batch{.minute = minute,
                           .retrieved_at = minute + std::chrono::seconds{9},
                           .influencers = {InfluencerId{7}, InfluencerId{9}},
                           .followers = {1, 2},
                           .following = {3, 4},
                           .misses = {{InfluencerId{8}, MissReason::kTimeout}},
                           .usernames = {{InfluencerId{7}, "a"}}};
    Registry registry;
    registry.epoch = 1;
    registry.influencers = InfluencerSet({{InfluencerId{7}, InfluencerId{9}}});
    check_that(store->put_registry(registry).has_value());
    check_that(store->append(std::span(&batch, 1)).has_value());
    auto alerts = open_sqlite_alert_store(path).value();
    const auto rule = alerts->add({.name = "r",
                                   .influencers = {InfluencerId{7}},
                                   .condition = {.kind = AlertKind::kMilestone, .milestones = {5}},
                                   .target = {.url = "http://a/", .secret = {}}});
    const NewAlert alert{.rule = rule->id, .version = 1, .webhook_id = "w", .body = "{}"};
    check_that(
        alerts
            ->record({{.rule = rule->id, .version = 1, .influencer = InfluencerId{7}, .state = {}}},
                     {alert})
            .has_value());
    auto verdicts = open_sqlite_verdict_store(path).value();
    const Verdict verdict{
        .influencer = InfluencerId{7}, .judged = {}, .checked_at = kNow, .changed_at = kNow};
    check_that(verdicts->put(std::span(&verdict, 1)).has_value());
    auto queue = SqliteQueue::open({.directory = path, .name = "queue"}, clock, log).value();
    const std::vector<OutgoingMessage> messages = {{.body = "a"}, {.body = "b"}};
    check_that(queue->send(messages).has_value());
  }

  void restore() const {
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() != ".original" && entry.is_regular_file()) {
        fs::remove(entry.path());
      }
    }
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() != ".original") continue;
      auto target = entry.path();
      fs::copy_file(entry.path(), target.replace_extension());
    }
  }

  Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  fs::path path;
  std::vector<fs::path> originals;
};

class Database {
 public:
  explicit Database(const fs::path& file) {
    check_that(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
  }
  ~Database() { sqlite3_close(db_); }

  // The first column of all rows.
  std::vector<std::string> texts(const std::string& sql) {
    std::vector<std::string> texts;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return texts;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      texts.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    }
    sqlite3_finalize(statement);
    return texts;
  }

  void change(Input& input) {
    const auto tables = texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    if (tables.empty()) return;
    const auto& table = tables[input.byte() % tables.size()];
    const auto columns = texts("SELECT name FROM pragma_table_info('" + table + "')");
    const auto& column = columns[input.byte() % columns.size()];
    const auto sql = "UPDATE " + table + " SET " + column + " = ?1";
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return;
    bind(statement, input);
    (void)sqlite3_step(statement);  // some are against a constraint
    sqlite3_finalize(statement);
  }

 private:
  static void bind(sqlite3_stmt* statement, Input& input) {
    const auto kind = input.byte() % 5;
    if (kind == 0) sqlite3_bind_int64(statement, 1, input.number());
    if (kind == 1) sqlite3_bind_int64(statement, 1, static_cast<std::int8_t>(input.byte()));
    if (kind == 2) sqlite3_bind_null(statement, 1);
    if (kind < 3) return;
    const auto text = input.text();
    const auto size = static_cast<int>(text.size());
    if (kind == 3) sqlite3_bind_text(statement, 1, text.data(), size, SQLITE_TRANSIENT);
    if (kind == 4) sqlite3_bind_blob(statement, 1, text.data(), size, SQLITE_TRANSIENT);
  }

  sqlite3* db_ = nullptr;
};

void read_store(const Folder& folder, Log& log) {
  const auto store = open_sqlite_store({.directory = folder.path}, log);
  if (!store) return;
  const auto minute = minute_of(Folder::kNow);
  const MinuteRange range{minute - std::chrono::minutes{60}, minute + std::chrono::minutes{60}};
  const std::vector minutes = {minute, minute + std::chrono::minutes{1}};
  (void)(*store)->registry();
  (void)(*store)->read_minutes(range);
  (void)(*store)->read_series(InfluencerId{7}, range);
  (void)(*store)->read_misses(InfluencerId{8}, minutes);
  (void)(*store)->read_minute(minute, {});
  (void)(*store)->read_ranks(InfluencerId{7}, minutes, {});
  (void)(*store)->read_latest();
  (void)(*store)->read_tail({});
  (void)(*store)->find_usernames("a", 3);
  (void)(*store)->horizon();
  (void)(*store)->size();
  (void)(*store)->maintain(Folder::kNow + std::chrono::hours{2});
  (void)(*store)->read_series(InfluencerId{7}, range);
}

void read_alerts(const Folder& folder) {
  const auto store = open_sqlite_alert_store(folder.path);
  if (!store) return;
  (void)(*store)->rules();
  (void)(*store)->states();
  (void)(*store)->revision();
  (void)(*store)->due(Folder::kNow, 10);
  (void)(*store)->log({});
  (void)(*store)->pending();
}

void read_queue(const Folder& folder, Log& log) {
  ManualClock clock;
  const auto queue = SqliteQueue::open({.directory = folder.path, .name = "queue"}, clock, log);
  if (!queue) return;
  (void)(*queue)->depth();
  (void)(*queue)->dead_letters(10);
  const auto received = (*queue)->receive(10, std::chrono::seconds{30}, std::chrono::seconds{0});
  if (!received) return;
  std::vector<Receipt> receipts;
  for (const auto& one : *received) receipts.push_back(one.receipt);
  (void)(*queue)->ack(receipts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Folder folder;
  folder.restore();
  Input input(data, size);
  std::vector<fs::path> files;
  for (const auto* name : {"alerts.db", "queue.db", "store.db", "verdicts.db"}) {
    if (fs::exists(folder.path / name)) files.push_back(folder.path / name);
  }
  check_that(files.size() == 4);
  for (int changes = 0; changes < 8 && !input.empty(); ++changes) {
    Database(files[input.byte() % files.size()]).change(input);
  }
  read_store(folder, folder.log);
  read_alerts(folder);
  read_queue(folder, folder.log);
  if (const auto verdicts = open_sqlite_verdict_store(folder.path)) (void)(*verdicts)->read({}, 10);
  return 0;
}
