#include "adapters/postgres/alert_store.h"

#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adapters/postgres/pool.h"
#include "adapters/postgres/turn.h"
#include "ports/rule_sieve.h"

namespace ia {
namespace {

using postgres::Connection;
using postgres::Params;
using postgres::Rows;
using std::chrono::minutes;

constexpr std::size_t kConnectionsMax = 4;

constexpr const char* kRuleColumns =
    "id, version, name, enabled, influencers, kind, metric, direction, level, hysteresis,"
    " basis_points, window_minutes, milestones, cool_down_minutes, url, secret, created_at,"
    " updated_at";
constexpr const char* kEntryColumns =
    "l.number, l.webhook_id, l.rule, l.rule_name, l.kind, l.influencer_id, l.fired_at, l.sentence,"
    " l.body, l.outcome, l.attempts, l.tried_at, l.next_attempt_at, l.status, l.detail";
constexpr int kEntryColumnCount = 15;

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::int64_t key(AlertRuleId id) { return signed_of(number_of(id)); }

std::unexpected<Error> unreadable(const char* what) {
  return fail(Errc::kCorrupt, std::string("alerts: ") + what +
                                  " cannot be read: a newer version of the program wrote it");
}

// Row by row.
Result<AlertRule> rule_in(const Rows& rows, std::size_t row) {
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  AlertRule rule{.id = AlertRuleId{unsigned_of(rows.integer(row, 0))},
                 .version = unsigned_of(rows.integer(row, 1)),
                 .name = text(2),
                 .enabled = rows.boolean(row, 3),
                 .condition = {.level = rows.integer(row, 8),
                               .hysteresis = rows.integer(row, 9),
                               .basis_points = rows.integer(row, 10),
                               .window = minutes{rows.integer(row, 11)},
                               .milestones = rows.integers(row, 12)},
                 .cool_down = minutes{rows.integer(row, 13)},
                 .target = {.url = text(14), .secret = text(15)},
                 .created_at = rows.time(row, 16),
                 .updated_at = rows.time(row, 17)};
  for (const auto id : rows.integers(row, 4)) {
    rule.influencers.push_back(InfluencerId{unsigned_of(id)});
  }
  if (!set_words(rule.condition, text(5), text(6), text(7))) return unreadable("a rule");
  return rule;
}

Result<RuleSieve::Row> rule_row_in(const Rows& rows, std::size_t row) {
  return RuleSieve::Row{.id = unsigned_of(rows.integer(row, 0)),
                        .rule = postgres::checked([&] { return rule_in(rows, row); })};
}

Result<AlertEntry> entry_in(const Rows& rows, std::size_t row) {
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  const auto kind = parse_alert_kind(text(4));
  const auto outcome = alert_outcome_of(rows.integer(row, 9));
  if (!kind || !outcome) return unreadable("an alert of the log");
  return AlertEntry{.number = unsigned_of(rows.integer(row, 0)),
                    .webhook_id = text(1),
                    .rule = AlertRuleId{unsigned_of(rows.integer(row, 2))},
                    .rule_name = text(3),
                    .kind = *kind,
                    .influencer = InfluencerId{unsigned_of(rows.integer(row, 5))},
                    .fired_at = rows.time(row, 6),
                    .text = text(7),
                    .body = text(8),
                    .outcome = *outcome,
                    .attempts = static_cast<std::uint32_t>(rows.integer(row, 10)),
                    .tried_at = rows.time(row, 11),
                    .next_attempt_at = rows.time(row, 12),
                    .status = static_cast<int>(rows.integer(row, 13)),
                    .detail = text(14)};
}

Result<DueAlert> due_in(const Rows& rows, std::size_t row) {
  auto entry = entry_in(rows, row);
  if (!entry) return std::unexpected(entry.error());
  return DueAlert{std::move(*entry),
                  {.url = std::string(rows.text(row, kEntryColumnCount)),
                   .secret = std::string(rows.text(row, kEntryColumnCount + 1))}};
}

Result<AlertStateRow> state_in(const Rows& rows, std::size_t row) {
  return AlertStateRow{.rule = AlertRuleId{unsigned_of(rows.integer(row, 0))},
                       .version = unsigned_of(rows.integer(row, 2)),
                       .influencer = InfluencerId{unsigned_of(rows.integer(row, 1))},
                       .state = {.side = static_cast<AlertState::Side>(rows.integer(row, 3)),
                                 .mark = rows.integer(row, 4),
                                 .fired_at = rows.time(row, 5)}};
}

template <class Row>
Result<std::vector<Row>> all(Connection& db, const std::string& sql, const Params& params,
                             Result<Row> read(const Rows&, std::size_t)) {
  const auto rows = db.query(sql.c_str(), params);
  if (!rows) return fail("alerts", rows.error());
  std::vector<Row> found;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto row = read(*rows, i);
    if (!row) return std::unexpected(row.error());
    found.push_back(std::move(*row));
  }
  return found;
}

Status run(Connection& db, const char* sql, const Params& params = {}) {
  const auto done = db.query(sql, params);
  return done ? Status{} : fail("alerts", done.error());
}

Result<std::int64_t> integer(Connection& db, const char* sql, const Params& params = {}) {
  const auto rows = db.query(sql, params);
  if (!rows) return fail("alerts", rows.error());
  return rows->integer(0, 0);
}

Result<AlertRule> find(Connection& db, AlertRuleId id) {
  auto found = all(db, std::string("SELECT ") + kRuleColumns + " FROM ia.alert_rules WHERE id = $1",
                   Params().add(key(id)), rule_in);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return unknown_alert_rule(id);
  return std::move(found->front());
}

Status check_limits(Connection& db, const AlertRule& rule) {
  const auto others = db.query(
      "SELECT count(*), coalesce(sum(cardinality(influencers)), 0) FROM ia.alert_rules"
      " WHERE id <> $1",
      Params().add(key(rule.id)));
  if (!others) return fail("alerts", others.error());
  return check_alert_limits(rule, unsigned_of(others->integer(0, 0)),
                            unsigned_of(others->integer(0, 1)));
}

// $1 to $17, in this order: version, name, ... updated_at.
Params values_of(const AlertRule& rule) {
  const auto& c = rule.condition;
  return Params()
      .add(signed_of(rule.version))
      .add(std::string_view(rule.name))
      .add(rule.enabled)
      .add(std::span<const InfluencerId>(rule.influencers))
      .add(name_of(c.kind))
      .add(name_of(c.metric))
      .add(direction_word(c.kind, c.direction))
      .add(c.level)
      .add(c.hysteresis)
      .add(c.basis_points)
      .add(std::int64_t{c.window.count()})
      .add(std::span<const std::int64_t>(c.milestones))
      .add(std::int64_t{rule.cool_down.count()})
      .add(std::string_view(rule.target.url))
      .add(std::string_view(rule.target.secret))
      .add(rule.created_at)
      .add(rule.updated_at);
}

Status forget(Connection& db, AlertRuleId id) {
  return run(db, "DELETE FROM ia.alert_states WHERE rule = $1", Params().add(key(id)));
}

Status cancel(Connection& db, AlertRuleId id) {
  return run(db, "UPDATE ia.alert_log SET outcome = $2 WHERE rule = $1 AND outcome = 0",
             Params().add(key(id)).add(std::int64_t{std::to_underlying(AlertOutcome::kCancelled)}));
}

// First of all in a transaction that changes rules: nothing else changes them then.
Status grow_revision(Connection& db) {
  return run(db, "UPDATE ia.alert_revision SET value = value + 1");
}

Status put_states(Connection& db, const std::vector<AlertStateRow>& states) {
  std::vector<std::int64_t> rules, versions, sides, marks;
  std::vector<InfluencerId> influencers;
  std::vector<WallTime> fired;
  for (const auto& row : states) {
    rules.push_back(key(row.rule));
    influencers.push_back(row.influencer);
    versions.push_back(signed_of(row.version));
    sides.push_back(std::to_underlying(row.state.side));
    marks.push_back(row.state.mark);
    fired.push_back(row.state.fired_at);
  }
  return run(db,
             "INSERT INTO ia.alert_states (rule, influencer_id, version, side, mark, fired_at)"
             " SELECT DISTINCT ON (n.rule, n.influencer) n.rule, n.influencer, n.version, n.side,"
             " n.mark, n.fired_at FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY"
             " AS n (rule, influencer, version, side, mark, fired_at, place)"
             " JOIN ia.alert_rules r ON r.id = n.rule AND r.version = n.version"
             " ORDER BY n.rule, n.influencer, n.place DESC"
             " ON CONFLICT (rule, influencer_id) DO UPDATE SET version = excluded.version,"
             " side = excluded.side, mark = excluded.mark, fired_at = excluded.fired_at",
             Params()
                 .add(std::span<const std::int64_t>(rules))
                 .add(std::span<const InfluencerId>(influencers))
                 .add(std::span<const std::int64_t>(versions))
                 .add(std::span<const std::int64_t>(sides))
                 .add(std::span<const std::int64_t>(marks))
                 .add(std::span<const WallTime>(fired)));
}

Status put_alerts(Connection& db, const std::vector<NewAlert>& alerts) {
  std::vector<std::int64_t> rules, versions;
  std::vector<InfluencerId> influencers;
  std::vector<WallTime> fired;
  std::vector<std::string_view> ids, texts, bodies;
  for (const auto& alert : alerts) {
    rules.push_back(key(alert.rule));
    versions.push_back(signed_of(alert.version));
    influencers.push_back(alert.influencer);
    fired.push_back(alert.fired_at);
    ids.push_back(alert.webhook_id);
    texts.push_back(alert.text);
    bodies.push_back(alert.body);
  }
  return run(db,
             "INSERT INTO ia.alert_log (webhook_id, rule, rule_name, kind, influencer_id,"
             " fired_at, sentence, body, outcome, attempts, tried_at, next_attempt_at, status,"
             " detail)"
             " SELECT n.webhook_id, r.id, r.name, r.kind, n.influencer, n.fired_at, n.sentence,"
             " n.body, 0, 0, 'epoch', n.fired_at, 0, ''"
             " FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY"
             " AS n (rule, version, influencer, fired_at, webhook_id, sentence, body, place)"
             " JOIN ia.alert_rules r ON r.id = n.rule AND r.version = n.version ORDER BY n.place"
             " ON CONFLICT (webhook_id) DO NOTHING",
             Params()
                 .add(std::span<const std::int64_t>(rules))
                 .add(std::span<const std::int64_t>(versions))
                 .add(std::span<const InfluencerId>(influencers))
                 .add(std::span<const WallTime>(fired))
                 .add(std::span<const std::string_view>(ids))
                 .add(std::span<const std::string_view>(texts))
                 .add(std::span<const std::string_view>(bodies)));
}

// How many pending ones went. Numbers have holes, where a transaction was rolled back.
Result<std::uint64_t> trim(Connection& db) {
  const auto dropped = integer(db,
                               "WITH gone AS (DELETE FROM ia.alert_log WHERE number <= (SELECT"
                               " number FROM ia.alert_log ORDER BY number DESC OFFSET $1 LIMIT 1)"
                               " RETURNING outcome) SELECT count(*) FROM gone WHERE outcome = 0",
                               Params().add(signed_of(AlertStore::kLogMax)));
  if (!dropped) return std::unexpected(dropped.error());
  return unsigned_of(*dropped);
}

Status switch_off(Connection& db, AlertRuleId id) {
  auto done =
      run(db, "UPDATE ia.alert_rules SET enabled = false, version = version + 1 WHERE id = $1",
          Params().add(key(id)));
  if (done) done = forget(db, id);
  return done ? cancel(db, id) : done;
}

class PostgresAlertStore final : public AlertStore {
 public:
  PostgresAlertStore(const std::string& dsn, std::chrono::milliseconds statement_timeout, Log* log)
      : sieve_(log),
        pool_({.dsn = dsn, .statement_timeout = statement_timeout}, kConnectionsMax),
        turn_(dsn, postgres::Work::kAlerts) {}

  Result<std::vector<AlertRule>> rules() const override {
    auto rows = pool_.read([](Connection& db) {
      return all(db, std::string("SELECT ") + kRuleColumns + " FROM ia.alert_rules ORDER BY id", {},
                 rule_row_in);
    });
    if (!rows) return std::unexpected(rows.error());
    return sieve_.sound(std::move(*rows));
  }

  Result<AlertRule> rule(AlertRuleId id) const override {
    return pool_.read([&](Connection& db) { return find(db, id); });
  }

  Result<AlertRule> add(AlertRule rule) override {
    return change([&](Connection& db) -> Result<AlertRule> {
      rule.version = 1;
      if (auto fits = check_limits(db, rule); !fits) return std::unexpected(fits.error());
      const auto id = integer(
          db,
          "INSERT INTO ia.alert_rules (version, name, enabled, influencers, kind, metric,"
          " direction, level, hysteresis, basis_points, window_minutes, milestones,"
          " cool_down_minutes, url, secret, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6,"
          " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id",
          values_of(rule));
      if (!id) return std::unexpected(id.error());
      rule.id = AlertRuleId{unsigned_of(*id)};
      return rule;
    });
  }

  Result<AlertRule> replace(AlertRule rule) override {
    return change([&](Connection& db) -> Result<AlertRule> {
      const auto before = find(db, rule.id);
      if (!before) return before;
      if (before->version != rule.version) return changed_alert_rule(rule.id);
      ++rule.version;
      rule.created_at = before->created_at;
      if (auto fits = check_limits(db, rule); !fits) return std::unexpected(fits.error());
      if (auto done = forget(db, rule.id); !done) return std::unexpected(done.error());
      const auto done = run(
          db,
          "UPDATE ia.alert_rules SET (version, name, enabled, influencers, kind, metric, direction,"
          " level, hysteresis, basis_points, window_minutes, milestones, cool_down_minutes, url,"
          " secret, created_at, updated_at) = ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
          " $13, $14, $15, $16, $17) WHERE id = $18",
          values_of(rule).add(key(rule.id)));
      if (!done) return std::unexpected(done.error());
      return rule;
    });
  }

  Status remove(AlertRuleId id, std::optional<std::uint64_t> version) override {
    const auto removed = change([&](Connection& db) -> Result<bool> {
      if (version) {
        const auto before = find(db, id);
        if (!before) return std::unexpected(before.error());
        if (before->version != *version) return changed_alert_rule(id);
      }
      const auto gone =
          db.query("DELETE FROM ia.alert_rules WHERE id = $1 RETURNING id", Params().add(key(id)));
      if (!gone) return fail("alerts", gone.error());
      if (gone->empty()) return unknown_alert_rule(id);
      auto done = forget(db, id);
      if (done) done = cancel(db, id);
      if (!done) return std::unexpected(done.error());
      return true;
    });
    return removed ? Status{} : std::unexpected(removed.error());
  }

  Result<std::uint64_t> revision() const override {
    return count("SELECT value FROM ia.alert_revision");
  }

  Result<std::optional<std::uint64_t>> take_turn() override { return turn_.take(); }
  bool has_turn() const override { return turn_.number() != 0; }

  Result<std::vector<AlertStateRow>> states() const override {
    return pool_.read([](Connection& db) {
      return all(db,
                 "SELECT rule, influencer_id, version, side, mark, fired_at FROM ia.alert_states"
                 " ORDER BY 1, 2",
                 {}, state_in);
    });
  }

  Result<std::uint64_t> record(const std::vector<AlertStateRow>& states,
                               const std::vector<NewAlert>& alerts) override {
    return pool_.transact([&](Connection& db) -> Result<std::uint64_t> {
      // The versions, and whose turn it is, stay what they are.
      const auto held = db.query(
          "SELECT FROM ia.alert_revision, ia.turns WHERE work = $1 AND number = $2 FOR SHARE",
          Params()
              .add(std::int64_t{std::to_underlying(postgres::Work::kAlerts)})
              .add(signed_of(turn_.number())));
      if (!held) return fail("alerts", held.error());
      if (held->empty() || turn_.number() == 0) {
        return fail(Errc::kUnavailable, "alerts: it is another process's turn to send them");
      }
      if (auto done = put_states(db, states); !done) return std::unexpected(done.error());
      if (alerts.empty()) return 0;
      if (auto done = put_alerts(db, alerts); !done) return std::unexpected(done.error());
      return trim(db);
    });
  }

  Result<std::vector<DueAlert>> due(WallTime now, std::size_t count_max) const override {
    return pool_.read([&](Connection& db) {
      return all(db,
                 std::string("SELECT ") + kEntryColumns +
                     ", r.url, r.secret FROM ia.alert_log l JOIN ia.alert_rules r ON r.id = l.rule"
                     " WHERE l.number IN (SELECT min(number) FROM ia.alert_log WHERE outcome = 0"
                     " GROUP BY rule) AND l.next_attempt_at <= $1"
                     " ORDER BY l.next_attempt_at, l.number LIMIT $2",
                 Params().add(now).add(signed_of(count_max)), due_in);
    });
  }

  Status settle(std::uint64_t entry, const AlertAttempt& attempt) override {
    const bool is_gone = attempt.outcome == AlertOutcome::kGone;
    const auto settled = pool_.transact([&](Connection& db) -> Result<bool> {
      if (auto grown = is_gone ? grow_revision(db) : Status{}; !grown) {
        return std::unexpected(grown.error());
      }
      const auto rows = db.query(
          "UPDATE ia.alert_log SET outcome = $2, attempts = attempts + 1, tried_at = $3,"
          " next_attempt_at = $4, status = $5, detail = $6 WHERE number = $1 AND outcome = 0"
          " RETURNING rule",
          Params()
              .add(signed_of(entry))
              .add(std::int64_t{std::to_underlying(attempt.outcome)})
              .add(attempt.tried_at)
              .add(attempt.next_attempt_at)
              .add(std::int64_t{attempt.status})
              .add(std::string_view(attempt.detail)));
      if (!rows) return fail("alerts", rows.error());
      if (rows->empty() || !is_gone) return true;
      const AlertRuleId id{unsigned_of(rows->integer(0, 0))};
      if (auto done = switch_off(db, id); !done) return std::unexpected(done.error());
      return true;
    });
    return settled ? Status{} : std::unexpected(settled.error());
  }

  Result<std::vector<AlertEntry>> log(const LogQuery& query) const override {
    constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
    return pool_.read([&](Connection& db) {
      return all(db,
                 std::string("SELECT ") + kEntryColumns +
                     " FROM ia.alert_log l WHERE l.number < $1 AND ($2 = 0 OR l.rule = $2)"
                     " ORDER BY l.number DESC LIMIT $3",
                 Params()
                     .add(query.before ? signed_of(*query.before) : kAll)
                     .add(query.rule ? key(*query.rule) : std::int64_t{0})
                     .add(signed_of(query.count_max)),
                 entry_in);
    });
  }

  Result<std::uint64_t> pending() const override {
    return count("SELECT count(*) FROM ia.alert_log WHERE outcome = 0");
  }

 private:
  Result<std::uint64_t> count(const char* sql) const {
    const auto value = pool_.read([&](Connection& db) { return integer(db, sql); });
    if (!value) return std::unexpected(value.error());
    return unsigned_of(*value);
  }

  // Of the rules, one after the other.
  template <class Change>
  auto change(Change make) -> decltype(make(std::declval<Connection&>())) {
    return pool_.transact([&](Connection& db) -> decltype(make(db)) {
      if (auto grown = grow_revision(db); !grown) return std::unexpected(grown.error());
      return make(db);
    });
  }

  mutable RuleSieve sieve_;
  mutable postgres::Pool pool_;
  postgres::Turn turn_;
};

}  // namespace

std::unique_ptr<AlertStore> open_postgres_alert_store(const std::string& dsn,
                                                      std::chrono::milliseconds statement_timeout,
                                                      Log* log) {
  return std::make_unique<PostgresAlertStore>(dsn, statement_timeout, log);
}

}  // namespace ia
