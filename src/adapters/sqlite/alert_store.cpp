#include "adapters/sqlite/alert_store.h"

#include <charconv>
#include <limits>
#include <mutex>
#include <utility>

#include "base/sqlite.h"
#include "ports/rule_sieve.h"

namespace ia {
namespace {

using sqlite::Connection;
using sqlite::ms_of;
using sqlite::Statement;
using sqlite::time_of;
using sqlite::Transaction;
using std::chrono::minutes;

// Outcome 0 is pending. Numbers are never used twice.
constexpr const char* kTables = R"sql(
  CREATE TABLE revision(value INTEGER NOT NULL);
  INSERT INTO revision VALUES(0);
  CREATE TABLE rules(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    influencers TEXT NOT NULL,
    influencer_count INTEGER NOT NULL,
    kind TEXT NOT NULL,
    metric TEXT NOT NULL,
    direction TEXT NOT NULL,
    level INTEGER NOT NULL,
    hysteresis INTEGER NOT NULL,
    basis_points INTEGER NOT NULL,
    window_minutes INTEGER NOT NULL,
    milestones TEXT NOT NULL,
    cool_down_minutes INTEGER NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
  );
  CREATE TABLE states(
    rule INTEGER NOT NULL,
    influencer INTEGER NOT NULL,
    version INTEGER NOT NULL,
    side INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    fired_ms INTEGER NOT NULL,
    PRIMARY KEY(rule, influencer)
  ) WITHOUT ROWID;
  CREATE TABLE log(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL,
    rule INTEGER NOT NULL,
    rule_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    influencer INTEGER NOT NULL,
    fired_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    outcome INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    tried_ms INTEGER NOT NULL,
    next_attempt_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    detail TEXT NOT NULL
  );
  CREATE INDEX log_pending ON log(rule, number) WHERE outcome = 0;
)sql";
constexpr sqlite::Schema kSchema{
    .what = "alerts", .application_id = 0x49416131 /* "IAa1" */, .format = 2, .sql = kTables};

constexpr const char* kRuleColumns =
    "id, version, name, enabled, influencers, kind, metric, direction, level, hysteresis,"
    " basis_points, window_minutes, milestones, cool_down_minutes, url, secret, created_ms,"
    " updated_ms";
constexpr const char* kEntryColumns =
    "l.number, l.webhook_id, l.rule, l.rule_name, l.kind, l.influencer, l.fired_ms, l.text, l.body,"
    " l.outcome, l.attempts, l.tried_ms, l.next_attempt_ms, l.status, l.detail";
constexpr int kEntryColumnCount = 15;

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::int64_t plain(InfluencerId id) { return number(number_of(id)); }
std::int64_t plain(std::int64_t value) { return value; }

template <class Value>
std::string joined(const std::vector<Value>& values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : ",") + std::to_string(plain(value));
  return text;
}

template <class Value>
std::vector<Value> split(std::string_view text) {
  std::vector<Value> values;
  while (!text.empty()) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) break;
    values.push_back(static_cast<Value>(value));
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(stop - text.data()) + 1));
  }
  return values;
}

std::unexpected<Error> unreadable(const char* what) {
  return fail(Errc::kCorrupt, std::string("alerts: ") + what +
                                  " cannot be read: restore alerts.db "
                                  "from a backup, and keep this file until that is done");
}

Result<AlertRule> rule_in(const Statement& row) {
  AlertRule rule{.id = AlertRuleId{unsigned_of(row.integer(0))},
                 .version = unsigned_of(row.integer(1)),
                 .name = std::string(row.text(2)),
                 .enabled = row.integer(3) != 0,
                 .influencers = split<InfluencerId>(row.text(4)),
                 .condition = {.level = row.integer(8),
                               .hysteresis = row.integer(9),
                               .basis_points = row.integer(10),
                               .window = minutes{row.integer(11)},
                               .milestones = split<std::int64_t>(row.text(12))},
                 .cool_down = minutes{row.integer(13)},
                 .target = {.url = std::string(row.text(14)), .secret = std::string(row.text(15))},
                 .created_at = time_of(row.integer(16)),
                 .updated_at = time_of(row.integer(17))};
  if (!set_words(rule.condition, row.text(5), row.text(6), row.text(7))) {
    return unreadable("a rule");
  }
  return rule;
}

Result<RuleSieve::Row> rule_row_in(const Statement& row) {
  return RuleSieve::Row{.id = unsigned_of(row.integer(0)), .rule = rule_in(row)};
}

Result<AlertEntry> entry_in(const Statement& row) {
  const auto kind = parse_alert_kind(row.text(4));
  const auto outcome = alert_outcome_of(row.integer(9));
  if (!kind || !outcome) return unreadable("an alert of the log");
  return AlertEntry{.number = unsigned_of(row.integer(0)),
                    .webhook_id = std::string(row.text(1)),
                    .rule = AlertRuleId{unsigned_of(row.integer(2))},
                    .rule_name = std::string(row.text(3)),
                    .kind = *kind,
                    .influencer = InfluencerId{unsigned_of(row.integer(5))},
                    .fired_at = time_of(row.integer(6)),
                    .text = std::string(row.text(7)),
                    .body = std::string(row.text(8)),
                    .outcome = *outcome,
                    .attempts = static_cast<std::uint32_t>(row.integer(10)),
                    .tried_at = time_of(row.integer(11)),
                    .next_attempt_at = time_of(row.integer(12)),
                    .status = static_cast<int>(row.integer(13)),
                    .detail = std::string(row.text(14))};
}

AlertStateRow state_in(const Statement& row) {
  return {.rule = AlertRuleId{unsigned_of(row.integer(0))},
          .version = unsigned_of(row.integer(2)),
          .influencer = InfluencerId{unsigned_of(row.integer(1))},
          .state = {.side = static_cast<AlertState::Side>(row.integer(3)),
                    .mark = row.integer(4),
                    .fired_at = time_of(row.integer(5))}};
}

// Calls are rare, so statements are compiled for each.
class SqliteAlertStore final : public AlertStore {
 public:
  SqliteAlertStore(Connection db, Log* log) : sieve_(log), db_(std::move(db)) {}

  Result<std::vector<AlertRule>> rules() const override {
    const std::scoped_lock lock(mutex_);
    auto rows = all<RuleSieve::Row>(
        std::string("SELECT ") + kRuleColumns + " FROM rules ORDER BY id", {}, rule_row_in);
    if (!rows) return std::unexpected(rows.error());
    return sieve_.sound(std::move(*rows));
  }

  Result<AlertRule> rule(AlertRuleId id) const override {
    const std::scoped_lock lock(mutex_);
    return find(id);
  }

  Result<AlertRule> add(AlertRule rule) override {
    const std::scoped_lock lock(mutex_);
    return change([&]() -> Result<AlertRule> {
      rule.version = 1;
      if (auto fits = check_limits(rule); !fits) return std::unexpected(fits.error());
      if (auto done = write(rule, "NULL"); !done) return std::unexpected(done.error());
      rule.id = AlertRuleId{unsigned_of(db_.last_insert_rowid())};
      return rule;
    });
  }

  Result<AlertRule> replace(AlertRule rule) override {
    const std::scoped_lock lock(mutex_);
    return change([&]() -> Result<AlertRule> {
      const auto before = find(rule.id);
      if (!before) return before;
      if (before->version != rule.version) return changed_alert_rule(rule.id);
      ++rule.version;
      rule.created_at = before->created_at;
      if (auto fits = check_limits(rule); !fits) return std::unexpected(fits.error());
      if (auto done = forget(rule.id); !done) return std::unexpected(done.error());
      const auto id = std::to_string(number_of(rule.id));
      if (auto done = write(rule, id.c_str()); !done) return std::unexpected(done.error());
      return rule;
    });
  }

  Status remove(AlertRuleId id, std::optional<std::uint64_t> version) override {
    const std::scoped_lock lock(mutex_);
    const auto removed = change([&]() -> Result<bool> {
      if (version) {
        const auto before = find(id);
        if (!before) return std::unexpected(before.error());
        if (before->version != *version) return changed_alert_rule(id);
      }
      if (auto done = run("DELETE FROM rules WHERE id = ?1", {key(id)}); !done) {
        return std::unexpected(done.error());
      }
      if (db_.changes() == 0) return unknown_alert_rule(id);
      if (auto done = forget(id); !done) return std::unexpected(done.error());
      if (auto done = cancel(id); !done) return std::unexpected(done.error());
      return true;
    });
    return removed ? Status{} : std::unexpected(removed.error());
  }

  Result<std::uint64_t> revision() const override {
    const std::scoped_lock lock(mutex_);
    return count("SELECT value FROM revision");
  }

  Result<std::vector<AlertStateRow>> states() const override {
    const std::scoped_lock lock(mutex_);
    return all<AlertStateRow>(
        "SELECT rule, influencer, version, side, mark, fired_ms FROM states ORDER BY 1, 2", {},
        [](const Statement& row) -> Result<AlertStateRow> { return state_in(row); });
  }

  Result<std::uint64_t> record(const std::vector<AlertStateRow>& states,
                               const std::vector<NewAlert>& alerts) override {
    const std::scoped_lock lock(mutex_);
    auto transaction = Transaction::begin(db_, Transaction::Kind::kWrite);
    if (!transaction) return fail("alerts", transaction.error());
    if (auto done = put_states(states); !done) return fail("alerts", done.error());
    if (auto done = put_alerts(alerts); !done) return fail("alerts", done.error());
    const auto dropped = trim();
    if (!dropped) return fail("alerts", dropped.error());
    if (auto done = transaction->commit(); !done) return fail("alerts", done.error());
    return dropped;
  }

  Result<std::vector<DueAlert>> due(WallTime now, std::size_t count_max) const override {
    const std::scoped_lock lock(mutex_);
    return all<DueAlert>(
        std::string("SELECT ") + kEntryColumns +
            ", r.url, r.secret FROM log l JOIN rules r ON r.id = l.rule WHERE l.number IN"
            " (SELECT min(number) FROM log WHERE outcome = 0 GROUP BY rule)"
            " AND l.next_attempt_ms <= ?1 ORDER BY l.next_attempt_ms, l.number LIMIT ?2",
        {ms_of(now), number(count_max)}, [](const Statement& row) -> Result<DueAlert> {
          auto entry = entry_in(row);
          if (!entry) return std::unexpected(entry.error());
          return DueAlert{std::move(*entry),
                          {.url = std::string(row.text(kEntryColumnCount)),
                           .secret = std::string(row.text(kEntryColumnCount + 1))}};
        });
  }

  Status settle(std::uint64_t entry, const AlertAttempt& attempt) override {
    const std::scoped_lock lock(mutex_);
    auto transaction = Transaction::begin(db_, Transaction::Kind::kWrite);
    if (!transaction) return fail("alerts", transaction.error());
    if (auto done = note(entry, attempt); !done) return fail("alerts", done.error());
    if (db_.changes() > 0 && attempt.outcome == AlertOutcome::kGone) {
      if (auto done = switch_off(entry); !done) return fail("alerts", done.error());
    }
    const auto committed = transaction->commit();
    return committed ? Status{} : fail("alerts", committed.error());
  }

  Result<std::vector<AlertEntry>> log(const LogQuery& query) const override {
    const std::scoped_lock lock(mutex_);
    constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
    return all<AlertEntry>(std::string("SELECT ") + kEntryColumns +
                               " FROM log l WHERE l.number < ?1 AND (?2 = 0 OR l.rule = ?2)"
                               " ORDER BY l.number DESC LIMIT ?3",
                           {query.before ? number(*query.before) : kAll,
                            query.rule ? key(*query.rule) : 0, number(query.count_max)},
                           entry_in);
  }

  Result<std::uint64_t> pending() const override {
    const std::scoped_lock lock(mutex_);
    return count("SELECT count(*) FROM log WHERE outcome = 0");
  }

 private:
  using Values = std::initializer_list<std::int64_t>;
  static std::int64_t key(AlertRuleId id) { return number(number_of(id)); }

  template <class Row, class Read>
  Result<std::vector<Row>> all(const std::string& sql, Values values, Read read) const {
    auto statement = db_.prepare(sql);
    if (!statement) return fail("alerts", statement.error());
    int parameter = 0;
    for (const auto value : values) statement->bind(++parameter, value);
    std::vector<Row> rows;
    while (true) {
      const auto more = statement->step();
      if (!more) return fail("alerts", more.error());
      if (!*more) return rows;
      auto row = read(*statement);
      if (!row) return std::unexpected(row.error());
      rows.push_back(std::move(*row));
    }
  }

  Result<AlertRule> find(AlertRuleId id) const {
    auto found = all<AlertRule>(std::string("SELECT ") + kRuleColumns + " FROM rules WHERE id = ?1",
                                {key(id)}, rule_in);
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return unknown_alert_rule(id);
    return std::move(found->front());
  }

  Result<std::uint64_t> count(std::string_view sql) const {
    const auto value = db_.integer(sql);
    if (!value) return fail("alerts", value.error());
    return unsigned_of(*value);
  }

  Status run(std::string_view sql, Values values) {
    auto statement = db_.prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    int parameter = 0;
    for (const auto value : values) statement->bind(++parameter, value);
    return statement->run();
  }

  // A change of the rules, in a transaction of its own.
  template <class Change>
  auto change(Change make) -> decltype(make()) {
    auto transaction = Transaction::begin(db_, Transaction::Kind::kWrite);
    if (!transaction) return fail("alerts", transaction.error());
    auto made = make();
    if (!made) return made;
    if (auto done = run("UPDATE revision SET value = value + 1", {}); !done) {
      return fail("alerts", done.error());
    }
    if (auto done = transaction->commit(); !done) return fail("alerts", done.error());
    return made;
  }

  Status check_limits(const AlertRule& rule) const {
    const auto others = all<std::pair<std::int64_t, std::int64_t>>(
        "SELECT count(*), coalesce(sum(influencer_count), 0) FROM rules WHERE id <> ?1",
        {key(rule.id)}, [](const Statement& row) {
          return Result<std::pair<std::int64_t, std::int64_t>>({row.integer(0), row.integer(1)});
        });
    if (!others) return std::unexpected(others.error());
    const auto [rules, pairs] = others->front();
    return check_alert_limits(rule, unsigned_of(rules), unsigned_of(pairs));
  }

  // `id` is a number, or NULL for a new one.
  Status write(const AlertRule& rule, const char* id) {
    auto statement = db_.prepare(
        "INSERT OR REPLACE INTO rules(id, version, name, enabled, influencers, influencer_count,"
        " kind, metric, direction, level, hysteresis, basis_points, window_minutes, milestones,"
        " cool_down_minutes, url, secret, created_ms, updated_ms) VALUES(" +
        std::string(id) +
        ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)");
    if (!statement) return std::unexpected(statement.error());
    const auto& c = rule.condition;
    const auto influencers = joined(rule.influencers);
    const auto milestones = joined(c.milestones);
    return statement->bind(1, number(rule.version))
        .bind_text(2, rule.name)
        .bind(3, rule.enabled ? 1 : 0)
        .bind_text(4, influencers)
        .bind(5, number(rule.influencers.size()))
        .bind_text(6, name_of(c.kind))
        .bind_text(7, name_of(c.metric))
        .bind_text(8, direction_word(c.kind, c.direction))
        .bind(9, c.level)
        .bind(10, c.hysteresis)
        .bind(11, c.basis_points)
        .bind(12, c.window.count())
        .bind_text(13, milestones)
        .bind(14, rule.cool_down.count())
        .bind_text(15, rule.target.url)
        .bind_text(16, rule.target.secret)
        .bind(17, ms_of(rule.created_at))
        .bind(18, ms_of(rule.updated_at))
        .run();
  }

  Status forget(AlertRuleId id) { return run("DELETE FROM states WHERE rule = ?1", {key(id)}); }

  Status cancel(AlertRuleId id) {
    return run("UPDATE log SET outcome = ?2 WHERE rule = ?1 AND outcome = 0",
               {key(id), std::to_underlying(AlertOutcome::kCancelled)});
  }

  Status put_states(const std::vector<AlertStateRow>& states) {
    auto statement = db_.prepare(
        "INSERT OR REPLACE INTO states SELECT ?1, ?2, ?3, ?4, ?5, ?6"
        " WHERE EXISTS (SELECT 1 FROM rules WHERE id = ?1 AND version = ?3)");
    if (!statement) return std::unexpected(statement.error());
    for (const auto& row : states) {
      const auto done = statement->bind(1, key(row.rule))
                            .bind(2, plain(row.influencer))
                            .bind(3, number(row.version))
                            .bind(4, std::to_underlying(row.state.side))
                            .bind(5, row.state.mark)
                            .bind(6, ms_of(row.state.fired_at))
                            .run();
      if (!done) return done;
    }
    return {};
  }

  Status put_alerts(const std::vector<NewAlert>& alerts) {
    auto statement = db_.prepare(
        "INSERT INTO log(webhook_id, rule, rule_name, kind, influencer, fired_ms, text, body,"
        " outcome, attempts, tried_ms, next_attempt_ms, status, detail)"
        " SELECT ?3, id, name, kind, ?4, ?5, ?6, ?7, 0, 0, 0, ?5, 0, ''"
        " FROM rules WHERE id = ?1 AND version = ?2 ON CONFLICT DO NOTHING");
    if (!statement) return std::unexpected(statement.error());
    for (const auto& alert : alerts) {
      const auto done = statement->bind(1, key(alert.rule))
                            .bind(2, number(alert.version))
                            .bind_text(3, alert.webhook_id)
                            .bind(4, plain(alert.influencer))
                            .bind(5, ms_of(alert.fired_at))
                            .bind_text(6, alert.text)
                            .bind_text(7, alert.body)
                            .run();
      if (!done) return done;
    }
    return {};
  }

  Result<std::uint64_t> trim() {
    const auto end = db_.integer("SELECT max(number) FROM log");
    if (!end) return std::unexpected(end.error());
    const auto last = *end - number(kLogMax);
    const auto pending = db_.integer("SELECT count(*) FROM log WHERE outcome = 0 AND number <= " +
                                     std::to_string(last));
    if (!pending) return std::unexpected(pending.error());
    if (auto done = run("DELETE FROM log WHERE number <= ?1", {last}); !done) {
      return std::unexpected(done.error());
    }
    return unsigned_of(*pending);
  }

  Status note(std::uint64_t entry, const AlertAttempt& attempt) {
    auto statement = db_.prepare(
        "UPDATE log SET outcome = ?2, attempts = attempts + 1, tried_ms = ?3, next_attempt_ms = ?4,"
        " status = ?5, detail = ?6 WHERE number = ?1 AND outcome = 0");
    if (!statement) return std::unexpected(statement.error());
    return statement->bind(1, number(entry))
        .bind(2, std::to_underlying(attempt.outcome))
        .bind(3, ms_of(attempt.tried_at))
        .bind(4, ms_of(attempt.next_attempt_at))
        .bind(5, attempt.status)
        .bind_text(6, attempt.detail)
        .run();
  }

  Status switch_off(std::uint64_t entry) {
    const auto found = db_.integer("SELECT rule FROM log WHERE number = " + std::to_string(entry));
    if (!found) return std::unexpected(found.error());
    const AlertRuleId id{unsigned_of(*found)};
    auto done = run("UPDATE rules SET enabled = 0, version = version + 1 WHERE id = ?1", {key(id)});
    if (done) done = forget(id);
    if (done) done = cancel(id);
    if (done) done = run("UPDATE revision SET value = value + 1", {});
    return done;
  }

  mutable RuleSieve sieve_;
  mutable std::mutex mutex_;
  mutable Connection db_;
};

}  // namespace

Result<std::unique_ptr<AlertStore>> open_sqlite_alert_store(
    const std::filesystem::path& directory, Log* log) {
  auto db = Connection::open(directory / "alerts.db", sqlite::Access::kCreate);
  if (!db) return std::unexpected(db.error());
  db->reserve_checksums();
  if (auto set = db->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"); !set) {
    return std::unexpected(set.error());
  }
  if (auto known = sqlite::ensure_schema(*db, kSchema); !known) {
    return std::unexpected(known.error());
  }
  // Files of format 1 that were made without it are no other format.
  if (auto made = db->execute("CREATE UNIQUE INDEX IF NOT EXISTS log_ids ON log(webhook_id)");
      !made) {
    return std::unexpected(made.error());
  }
  return std::make_unique<SqliteAlertStore>(std::move(*db), log);
}

}  // namespace ia
