// Ways to put points into PostgreSQL, one beside the other: what docs/decisions/0006 chose from.
//
//   postgres_ways_bench [--influencers N] [--minutes N] [--batch N] [WAY ...]
//
// Each way fills a fresh table with `minutes` of everyone, in transactions of `batch` points, with
// fsync on. CPU is the server's: of all its processes, with the checkpoint at the end.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "adapters/postgres/connection.h"
#include "postgres_server.h"

namespace {

using namespace ia;
using postgres::Connection;
using postgres::CopyRows;
using postgres::Params;
using SteadyClock = std::chrono::steady_clock;

const Minute kBegin{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
constexpr std::int64_t kFirstId = 1'000'000;

struct Options {
  std::int64_t influencers = 1'000'000;
  int minutes = 5;
  std::int64_t batch = 50'000;
  std::vector<std::string> ways;
};

template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "postgres_ways_bench: {}\n", result.error().message);
  std::exit(1);
}
void check(const Status& status) {
  if (status) return;
  fmt::print(stderr, "postgres_ways_bench: {}\n", status.error().message);
  std::exit(1);
}

struct Columns {
  std::vector<Minute> minutes;
  std::vector<std::int64_t> influencers;
  std::vector<std::int64_t> followers;
  std::vector<std::int64_t> following;
};

Columns columns_of(Minute minute, std::int64_t first, std::int64_t count) {
  Columns columns;
  for (auto i = first; i < first + count; ++i) {
    columns.minutes.push_back(minute);
    columns.influencers.push_back(kFirstId + i);
    columns.followers.push_back(100'000 + (i * 7919) % 100'003);
    columns.following.push_back(50 + (i * 104'729) % 1'009);
  }
  return columns;
}

std::string copy_text(const Columns& columns) {
  CopyRows rows;
  for (std::size_t i = 0; i < columns.minutes.size(); ++i) {
    rows.row(4)
        .add(columns.minutes[i])
        .add(columns.influencers[i])
        .add(columns.followers[i])
        .add(columns.following[i]);
  }
  return std::move(rows).finish();
}

Params arrays(const Columns& columns) {
  Params params;
  params.add(std::span<const Minute>(columns.minutes))
      .add(std::span<const std::int64_t>(columns.influencers))
      .add(std::span<const std::int64_t>(columns.followers))
      .add(std::span<const std::int64_t>(columns.following));
  return params;
}

constexpr const char* kStage =
    "CREATE TEMP TABLE IF NOT EXISTS stage (minute timestamptz, influencer_id bigint,"
    " follower_count bigint, following_count bigint) ON COMMIT DELETE ROWS";
constexpr const char* kUnnest = "INSERT INTO point SELECT * FROM unnest($1, $2, $3, $4)";
constexpr const char* kProjected =
    "INSERT INTO point SELECT unnest($1), unnest($2), unnest($3), unnest($4)";

void run_query(Connection& db, const std::string& sql, const Columns& columns) {
  value_of(db.query(sql.c_str(), arrays(columns)));
}

void stage(Connection& db, const Columns& columns, const char* insert) {
  check(db.execute("BEGIN"));
  check(db.copy_in("COPY stage FROM STDIN (FORMAT binary)", copy_text(columns)));
  check(db.execute(std::string(insert) + "; COMMIT"));
}

void insert_tens(Connection& db, const Columns& columns) {
  for (std::size_t begin = 0; begin < columns.minutes.size(); begin += 10) {
    std::string sql = "INSERT INTO point VALUES ";
    for (auto i = begin; i < std::min(begin + 10, columns.minutes.size()); ++i) {
      sql += fmt::format("{}(to_timestamp({}), {}, {}, {})", i == begin ? "" : ", ",
                         columns.minutes[i].time_since_epoch().count() * 60, columns.influencers[i],
                         columns.followers[i], columns.following[i]);
    }
    check(db.execute(sql));
  }
}

struct Way {
  std::string name;
  std::string index;
  std::function<void(Connection&, const Columns&)> store;
};

const std::string kById = "PRIMARY KEY (influencer_id, minute)";
const std::string kCovering = kById + " INCLUDE (follower_count, following_count)";
const std::string kByMinute = "PRIMARY KEY (minute, influencer_id)";

std::vector<Way> all_ways() {
  const auto copy = [](Connection& db, const Columns& columns) {
    check(db.copy_in("COPY point FROM STDIN (FORMAT binary)", copy_text(columns)));
  };
  const auto plain = [](Connection& db, const Columns& columns) {
    run_query(db, kUnnest, columns);
  };
  const auto staged = [](Connection& db, const Columns& columns) {
    check(db.execute(kStage));
    stage(db, columns, "INSERT INTO point SELECT * FROM stage ON CONFLICT DO NOTHING");
  };
  return {
      {"copy", kById, copy},
      {"copy_covering", kCovering, copy},
      {"copy_by_minute", kByMinute, copy},
      {"unnest", kById, plain},
      {"unnest_covering", kCovering, plain},
      {"unnest_by_minute", kByMinute, plain},
      {"unnest_projected", kById,
       [](Connection& db, const Columns& columns) { run_query(db, kProjected, columns); }},
      {"unnest_on_conflict", kById,
       [](Connection& db, const Columns& columns) {
         run_query(db, std::string(kUnnest) + " ON CONFLICT DO NOTHING", columns);
       }},
      {"copy_staged_on_conflict", kById, staged},
      {"tens", kById, insert_tens},
  };
}

void measure(PostgresServer& server, const Way& way, const Options& options) {
  auto db = value_of(Connection::open({.dsn = server.dsn()}));
  check(
      db.execute("DROP TABLE IF EXISTS point; CREATE TABLE point (minute timestamptz NOT NULL,"
                 " influencer_id bigint NOT NULL, follower_count bigint NOT NULL,"
                 " following_count bigint NOT NULL, " +
                 way.index + "); CHECKPOINT"));
  std::int64_t points = 0;
  const auto cpu = server.cpu_seconds();
  const auto start = SteadyClock::now();
  for (int minute = 0; minute < options.minutes; ++minute) {
    for (std::int64_t first = 0; first < options.influencers; first += options.batch) {
      const auto count = std::min(options.batch, options.influencers - first);
      way.store(db, columns_of(kBegin + std::chrono::minutes{minute}, first, count));
      points += count;
    }
  }
  const std::chrono::duration<double> seconds = SteadyClock::now() - start;
  check(db.execute("CHECKPOINT"));
  const auto size = value_of(db.query("SELECT pg_total_relation_size('point')")).integer(0, 0);
  fmt::print("{:<26} {:>8.0f} points/s {:>6.2f} CPU s/M {:>7.1f} bytes/point\n", way.name,
             static_cast<double>(points) / seconds.count(),
             (server.cpu_seconds() - cpu) * 1e6 / static_cast<double>(points),
             static_cast<double>(size) / static_cast<double>(points));
  std::fflush(stdout);
}

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atoll(argv[++i]) : 0; };
    if (word == "--influencers") {
      options.influencers = number();
    } else if (word == "--minutes") {
      options.minutes = static_cast<int>(number());
    } else if (word == "--batch") {
      options.batch = number();
    } else {
      options.ways.push_back(word);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = options_of(argc, argv);
  auto server = value_of(PostgresServer::start(
      {.is_durable = true,
       .settings = {"shared_buffers=2GB", "max_wal_size=8GB", "wal_compression=lz4"}}));
  for (const auto& way : all_ways()) {
    const bool asked = options.ways.empty() || std::ranges::count(options.ways, way.name) > 0;
    if (asked) measure(*server, way, options);
  }
}
