#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>
#include <iterator>

#include "store_fixture.h"

// The questions of docs/sql.md, as they stand there, put by the role that may only read.
namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

const Minute kNoon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 5} + hours{12}};

std::string with(std::string text, std::string_view what, std::string_view value) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), value);
  }
  return text;
}

std::vector<std::string> questions() {
  std::ifstream file(IA_SQL_DOCUMENT);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = text.find("```sql\n", at)) != std::string::npos;) {
    const auto begin = at + 7;
    at = text.find(";\n```", begin);
    // What psql does with its variables; "::" is a cast.
    auto sql = with(text.substr(begin, at - begin), " :id", " 2");
    found.push_back(with(sql, " :minute", " '2026-03-05 12:00+00'"));
  }
  return found;
}

// Influencers 1 to 4 from 11:00 to 12:00, growing by ten times their id a minute, the last two
// alike; 5 never answers. At 11:30 influencer 2 jumps by 5,000 and stays there.
PointBatch batch_at(Minute minute) {
  const auto since = (minute - (kNoon - hours{1})).count();
  const auto jumped = minute >= kNoon - minutes{30} ? 5'000 : 0;
  return {.minute = minute,
          .retrieved_at = minute + seconds{7},
          .influencers = {InfluencerId{1}, InfluencerId{2}, InfluencerId{3}, InfluencerId{4}},
          .followers = {10'000 + 10 * since, 20'000 + 20 * since + jumped, 50'000, 50'000},
          .following = {100, 0, 300, 400},
          .misses = {{InfluencerId{5}, MissReason::kNotFound}},
          .usernames = {{InfluencerId{2}, "influencer-2"}}};
}

class SqlDocument : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database_ = std::make_unique<TestDatabase>(server());
    const auto store = database_->open();
    must(store->put_registry({.epoch = 1,
                              .schedule = {},
                              .shard_size = 1000,
                              .influencers = must(InfluencerSet::parse("1-5"))}));
    for (auto minute = kNoon - hours{1}; minute <= kNoon; minute += minutes{1}) {
      const auto batch = batch_at(minute);
      must(store->append({&batch, 1}));
    }
  }

  // The rows as text, columns with a bar between them.
  std::vector<std::string> ask(std::size_t question) {
    const auto sql = questions().at(question - 1);
    auto db = must(postgres::Connection::open({.dsn = database_->run_time_dsn()}));
    const auto rows = must(db.query(
        ("SELECT array_to_string(array_agg(value ORDER BY place), '|') FROM (SELECT row_number()"
         " OVER () AS number, q.* FROM (" +
         sql +
         ") AS q) AS r, json_each_text(to_json(r)) WITH ORDINALITY AS c (label, value, place)"
         " WHERE label <> 'number' GROUP BY number ORDER BY number")
            .c_str()));
    std::vector<std::string> answers;
    for (std::size_t row = 0; row < rows.size(); ++row) answers.emplace_back(rows.text(row, 0));
    return answers;
  }

  std::unique_ptr<TestDatabase> database_;
};

TEST_F(SqlDocument, HasTenQuestions) { EXPECT_THAT(questions(), SizeIs(10)); }

TEST_F(SqlDocument, GivesTheSeriesOfADay) {
  const auto rows = ask(1);
  ASSERT_THAT(rows, SizeIs(61));
  EXPECT_EQ(rows.front(), "2026-03-05T11:00:00+00:00|20000|0");  // and no ratio
  EXPECT_EQ(rows.back(), "2026-03-05T12:00:00+00:00|26200|0");
}

TEST_F(SqlDocument, GivesTheNewestValue) {
  EXPECT_THAT(ask(2), ElementsAre("2026-03-05T12:00:00+00:00|influencer-2|26200|0"));
}

TEST_F(SqlDocument, RanksWithTies) {
  EXPECT_THAT(ask(3), ElementsAre("1|3|50000", "1|4|50000", "3|2|26200", "4|1|10600"));
  EXPECT_THAT(ask(4), ElementsAre("3"));
}

TEST_F(SqlDocument, AveragesOverAll) {
  const auto rows = ask(5);
  ASSERT_THAT(rows, SizeIs(60));
  EXPECT_EQ(rows.back(), "2026-03-05T12:00:00+00:00|4|34200.0|200.0");
}

TEST_F(SqlDocument, AccountsForTheHour) {
  EXPECT_THAT(ask(6), ElementsAre("240|300|80.000|0|0|0|0"));
  EXPECT_THAT(ask(7), ElementsAre("5|not_found"));
}

TEST_F(SqlDocument, TellsOfWhomNothingWasHeard) {
  const auto store = database_->open();
  const auto watch = [&](std::uint64_t epoch, const char* influencers) {
    must(store->put_registry({.epoch = epoch,
                              .schedule = {},
                              .shard_size = 1000,
                              .influencers = must(InfluencerSet::parse(influencers))}));
  };
  must(database_->connect().execute("DELETE FROM ia.minutes WHERE minute = '2026-03-05 12:00+00'"));
  watch(2, "1-7");
  must(store->close_minutes({kNoon, kNoon + minutes{1}}, MissReason::kDown));
  EXPECT_THAT(ask(7), ElementsAre("5|not_found", "6|down", "7|down"));
  watch(3, "1-5");
  EXPECT_THAT(ask(7), ElementsAre("5|not_found", "7 no longer watched: down"));
}

TEST_F(SqlDocument, FindsGrowthAndJumps) {
  EXPECT_THAT(ask(8), ElementsAre("2|6200|31.00", "1|600|6.00", "3|0|0.00", "4|0|0.00"));
  const auto jumps = ask(9);
  ASSERT_THAT(jumps, SizeIs(5));
  EXPECT_EQ(jumps.front(), "2026-03-05T11:30:00+00:00|5020");
}

TEST_F(SqlDocument, SumsUpDays) {
  EXPECT_THAT(ask(10), ElementsAre("2026-03-05T00:00:00+00:00|20000|26200|23141.0|26200"));
}

// Grafana's variables and macros, as it fills them in.
std::string filled(std::string sql) {
  sql = with(std::move(sql), "$__timeFrom()", "'2026-03-05 11:00+00'");
  sql = with(std::move(sql), "$__timeTo()", "'2026-03-05 12:00+00'");
  return with(std::move(sql), "$influencer", "1,2");
}

TEST_F(SqlDocument, HasADashboardWhoseQuestionsCanBeAsked) {
  simdjson::dom::parser parser;
  simdjson::dom::element dashboard;
  ASSERT_EQ(parser.load(IA_SQL_DASHBOARD).get(dashboard), simdjson::SUCCESS);
  auto db = must(postgres::Connection::open({.dsn = database_->run_time_dsn()}));
  std::size_t with_rows = 0;
  for (const auto panel : dashboard["panels"].get_array()) {
    const auto sql = filled(std::string(std::string_view(panel["targets"].at(0)["rawSql"])));
    const auto rows = db.query(sql.c_str());
    ASSERT_TRUE(rows) << sql << rows.error().message;
    if (!rows->empty()) ++with_rows;
  }
  EXPECT_EQ(with_rows, 4u) << "nobody is suspicious, and no minute is closed";
}

}  // namespace
}  // namespace ia
