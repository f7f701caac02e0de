// The PostgreSQL store through its port against the seed's way, in one server and one run.
//
//   postgres_bench [--influencers N] [--minutes N] [--reads N]
//
// Ingest: `minutes` of everyone; ours in batches of 1,000 points and 10 batches an append, the
// seed's in INSERTs of 10 rows into a table with an index on the time alone, a tenth as many
// minutes, for it takes long. CPU is the server's, of all its processes, with a checkpoint at the
// end; fsync is on. Reads: all rows of one influencer, random ones, over the same rows in both:
// the seed's table is filled up by COPY.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/migrate.h"
#include "adapters/postgres/store.h"
#include "postgres_server.h"

namespace {

using namespace ia;
using postgres::Connection;
using postgres::CopyRows;
using postgres::Params;
using SteadyClock = std::chrono::steady_clock;

const Minute kBegin{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
constexpr std::uint64_t kFirstId = 1'000'000;
constexpr std::size_t kBatchPoints = 1'000;
constexpr std::size_t kBatchesAnAppend = 10;
constexpr int kSeedShare = 10;

struct Options {
  std::uint64_t influencers = 1'000'000;
  int minutes = 10;
  int reads = 30;
};

template <class T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "postgres_bench: {}\n", result.error().message);
  std::exit(1);
}
void check(const Status& status) {
  if (status) return;
  fmt::print(stderr, "postgres_bench: {}\n", status.error().message);
  std::exit(1);
}

// Mockstagram's statistics: every value moves every minute.
class Values {
 public:
  explicit Values(std::uint64_t count) : followers_(count, 100'000), following_(count, 1'000) {}
  void move() {
    for (auto& value : followers_) value = std::max(5'000.0, value + 10'000 * normal_(random_));
    for (auto& value : following_) value = std::max(50.0, value + 100 * normal_(random_));
  }
  std::int64_t followers(std::uint64_t i) const { return std::llround(followers_[i]); }
  std::int64_t following(std::uint64_t i) const { return std::llround(following_[i]); }

 private:
  std::mt19937_64 random_{1};
  std::normal_distribution<> normal_;
  std::vector<double> followers_;
  std::vector<double> following_;
};

PointBatch batch_of(Minute minute, std::uint64_t first, std::uint64_t count, const Values& values) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + std::chrono::seconds{30},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {},
                   .usernames = {}};
  for (auto i = first; i < first + count; ++i) {
    batch.influencers.push_back(InfluencerId{kFirstId + i});
    batch.followers.push_back(values.followers(i));
    batch.following.push_back(values.following(i));
  }
  return batch;
}

void append_minute(Store& store, Minute minute, const Values& values, std::uint64_t influencers) {
  std::vector<PointBatch> batches;
  for (std::uint64_t first = 0; first < influencers; first += kBatchPoints) {
    const auto count = std::min<std::uint64_t>(kBatchPoints, influencers - first);
    batches.push_back(batch_of(minute, first, count, values));
    if (batches.size() < kBatchesAnAppend && first + count < influencers) continue;
    value_of(store.append(batches));
    batches.clear();
  }
}

std::string seconds_text(Minute minute) {
  return std::to_string(std::chrono::sys_seconds{minute}.time_since_epoch().count());
}

void insert_tens(Connection& db, Minute minute, const Values& values, std::uint64_t influencers) {
  for (std::uint64_t first = 0; first < influencers; first += 10) {
    std::string sql = "INSERT INTO seed VALUES ";
    for (auto i = first; i < std::min(first + 10, influencers); ++i) {
      sql +=
          fmt::format("{}(to_timestamp({}), {}, {}, {})", i == first ? "" : ", ",
                      seconds_text(minute), kFirstId + i, values.followers(i), values.following(i));
    }
    check(db.execute(sql));
  }
}

void copy_minute(Connection& db, Minute minute, const Values& values, std::uint64_t influencers) {
  CopyRows rows;
  for (std::uint64_t i = 0; i < influencers; ++i) {
    rows.row(4).add(minute).add(static_cast<std::int64_t>(kFirstId + i));
    rows.add(values.followers(i)).add(values.following(i));
  }
  check(db.copy_in("COPY seed FROM STDIN (FORMAT binary)", std::move(rows).finish()));
}

struct Cost {
  double points = 0;
  double cpu_seconds = 0;
  double seconds = 0;
  double points_per_cpu_second() const { return points / cpu_seconds; }
};

template <class Work>
Cost measure(const char* name, PostgresServer& server, Connection& db, double points, Work work) {
  check(db.execute("CHECKPOINT"));
  const auto cpu = server.cpu_seconds();
  const auto start = SteadyClock::now();
  work();
  const std::chrono::duration<double> took = SteadyClock::now() - start;
  check(db.execute("CHECKPOINT"));
  const Cost cost{points, server.cpu_seconds() - cpu, took.count()};
  fmt::print("{:<6} {:>8.0f} points/s {:>8.0f} points per CPU second of the server\n", name,
             points / cost.seconds, cost.points_per_cpu_second());
  std::fflush(stdout);
  return cost;
}

// The median.
template <class Read>
double read_ms(int reads, std::uint64_t influencers, Read read) {
  std::mt19937_64 random{2};
  std::vector<double> took;
  for (int i = 0; i < reads; ++i) {
    const auto id = kFirstId + random() % influencers;
    const auto start = SteadyClock::now();
    read(id);
    took.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
  }
  std::ranges::sort(took);
  return took[took.size() / 2];
}

void compare(const Options& options) {
  auto server = value_of(PostgresServer::start(
      {.is_durable = true,
       .settings = {"shared_buffers=2GB", "max_wal_size=8GB", "wal_compression=lz4"}}));
  check(server->create_database("ours"));
  const auto dsn = server->dsn("ours");
  value_of(migrate_postgres(
      {.dsn = dsn, .partition_hours = 1, .grant_to = {}, .without_timescaledb = true}));
  Log log(LogLevel::kWarning, LogFormat::kText);
  auto store =
      value_of(open_postgres_store({.dsn = dsn, .retention = std::chrono::days{36500}}, log));
  auto db = value_of(Connection::open({.dsn = dsn, .statement_timeout = std::chrono::minutes{10}}));
  check(
      db.execute("CREATE TABLE seed (time timestamptz NOT NULL, influencer_id bigint NOT NULL,"
                 " follower_count bigint NOT NULL, following_count bigint NOT NULL);"
                 "CREATE INDEX ON seed (time)"));

  const auto everyone = static_cast<double>(options.influencers);
  const int seed_minutes = std::max(1, options.minutes / kSeedShare);
  const auto minute = [](int i) { return kBegin + std::chrono::minutes{i}; };
  Values values(options.influencers);
  const auto ours = measure("ours", *server, db, everyone * options.minutes, [&] {
    for (int i = 0; i < options.minutes; ++i) {
      values.move();
      append_minute(*store, minute(i), values, options.influencers);
    }
  });
  const auto seed = measure("seed", *server, db, everyone * seed_minutes, [&] {
    for (int i = 0; i < seed_minutes; ++i) {
      values.move();
      insert_tens(db, minute(i), values, options.influencers);
    }
  });
  fmt::print("ingest: {:.1f} x the seed's points per CPU second of the server\n",
             ours.points_per_cpu_second() / seed.points_per_cpu_second());
  for (int i = seed_minutes; i < options.minutes; ++i) {
    copy_minute(db, minute(i), values, options.influencers);
  }
  check(db.execute("VACUUM ANALYZE"));

  const MinuteRange all{kBegin, minute(options.minutes)};
  std::size_t rows_ours = 0;
  std::size_t rows_seed = 0;
  const auto ours_ms = read_ms(options.reads, options.influencers, [&](std::uint64_t id) {
    rows_ours += value_of(store->read_series(InfluencerId{id}, all)).size();
  });
  const auto seed_ms = read_ms(options.reads, options.influencers, [&](std::uint64_t id) {
    rows_seed +=
        value_of(db.query("SELECT time, follower_count, following_count FROM seed"
                          " WHERE influencer_id = $1 AND time >= $2 AND time < $3"
                          " ORDER BY time",
                          Params().add(static_cast<std::int64_t>(id)).add(all.begin).add(all.end)))
            .size();
  });
  if (rows_ours != rows_seed) fmt::print("rows differ: {} and {}\n", rows_ours, rows_seed);
  fmt::print(
      "one influencer's {} minutes of {:.0f} points, p50: ours {:.3f} ms, seed {:.1f} ms:"
      " {:.0f} x\n",
      options.minutes, everyone * options.minutes, ours_ms, seed_ms, seed_ms / ours_ms);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    if (word == "--influencers") options.influencers = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--minutes") options.minutes = std::atoi(argv[i + 1]);
    if (word == "--reads") options.reads = std::atoi(argv[i + 1]);
  }
  compare(options);
}
