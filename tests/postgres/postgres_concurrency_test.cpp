#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "store_fixture.h"

// Several sinks, followers and housekeepers on one database, and what may befall them.
namespace ia {
namespace {

using postgres::Connection;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::SizeIs;

const Minute kNoon{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5} + std::chrono::hours{12}};
constexpr std::uint64_t kInfluencers = 240;
constexpr std::uint64_t kShard = 40;
constexpr int kMinutes = 12;

using Key = std::pair<Minute, InfluencerId>;

std::uint64_t seed_of_test() {
  const auto* chosen = std::getenv("IA_TEST_SEED");
  return chosen != nullptr ? std::stoull(chosen) : std::random_device{}();
}

PointBatch empty_batch(Minute minute) {
  return {.minute = minute,
          .retrieved_at = minute + seconds{7},
          .influencers = {},
          .followers = {},
          .following = {},
          .misses = {},
          .usernames = {}};
}

// What came to pass of one shard in one minute, as one of perhaps several fetchers saw it: some
// values, some misses, some nothing.
PointBatch any_view(std::uint64_t shard, Minute minute, std::mt19937_64& random) {
  auto batch = empty_batch(minute);
  for (auto i = shard * kShard; i < (shard + 1) * kShard; ++i) {
    const auto fate = random() % 10;
    if (fate < 6) {
      batch.influencers.push_back(InfluencerId{i});
      batch.followers.push_back(static_cast<std::int64_t>(random() % 1'000'000));
      batch.following.push_back(static_cast<std::int64_t>(random() % 1'000));
    } else if (fate < 9) {
      batch.misses.push_back({InfluencerId{i}, static_cast<MissReason>(random() % 5)});
    }
    if (random() % 20 == 0) batch.usernames.push_back({InfluencerId{i}, std::to_string(i)});
  }
  return batch;
}

// What each of several sinks has to store: every shard's minute comes to one to three of them.
std::vector<std::vector<PointBatch>> deliveries(std::size_t sinks, std::mt19937_64& random) {
  std::vector<std::vector<PointBatch>> all(sinks);
  for (int minute = 0; minute < kMinutes; ++minute) {
    for (std::uint64_t shard = 0; shard < kInfluencers / kShard; ++shard) {
      for (auto times = 1 + random() % 3; times > 0; --times) {
        all[random() % sinks].push_back(any_view(shard, kNoon + minutes{minute}, random));
      }
    }
  }
  return all;
}

struct Expected {
  std::set<Key> valued;
  std::set<Key> missed;
  std::uint64_t points = 0;  // repeats included
};

Expected expected_of(const std::vector<std::vector<PointBatch>>& all) {
  Expected expected;
  for (const auto& batches : all) {
    for (const auto& batch : batches) {
      expected.points += batch.size();
      for (const auto id : batch.influencers) expected.valued.insert({batch.minute, id});
      for (const auto& miss : batch.misses) expected.missed.insert({batch.minute, miss.influencer});
    }
  }
  for (const auto& key : expected.valued) expected.missed.erase(key);
  return expected;
}

class Turmoil : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database_ = std::make_unique<TestDatabase>(server());
    const auto first = database_->open();
    Registry registry{.epoch = 1, .schedule = {}, .influencers = {}};
    registry.influencers = InfluencerSet({{InfluencerId{0}, InfluencerId{kInfluencers - 1}}});
    must(first->put_registry(registry));
  }
  void TearDown() override { database_.reset(); }

  // Stores all batches in calls of a few, until each was taken.
  AppendResult run_sink(Store& store, const std::vector<PointBatch>& batches, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    AppendResult total;
    for (std::size_t begin = 0; begin < batches.size();) {
      const auto count = std::min<std::size_t>(1 + random() % 6, batches.size() - begin);
      const auto result = store.append(std::span(batches).subspan(begin, count));
      if (!result) {
        EXPECT_NE(result.error().code, Errc::kInvalid) << result.error().message;
        ++failures_;
        failure_ = std::make_shared<const std::string>(result.error().message);
        std::this_thread::sleep_for(std::chrono::milliseconds{3});
        continue;
      }
      total.stored += result->stored;
      total.repeats += result->repeats;
      begin += count;
    }
    return total;
  }

  std::vector<std::unique_ptr<Store>> open_stores(std::size_t count) {
    std::vector<std::unique_ptr<Store>> stores;
    for (std::size_t i = 0; i < count; ++i) stores.push_back(database_->open());
    return stores;
  }

  // Runs a sink a thread, each on a store of its own. The sum of what they were told.
  AppendResult run_sinks(const std::vector<std::unique_ptr<Store>>& stores,
                         const std::vector<std::vector<PointBatch>>& all, std::uint64_t seed) {
    std::vector<AppendResult> results(all.size());
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < all.size(); ++i) {
      threads.emplace_back([&, i] { results[i] = run_sink(*stores[i], all[i], seed + i); });
    }
    threads.clear();
    AppendResult total;
    for (const auto& result : results) {
      total.stored += result.stored;
      total.repeats += result.repeats;
    }
    return total;
  }

  std::int64_t number(const std::string& sql) {
    auto db = database_->connect();
    return must(db.query(sql.c_str())).integer(0, 0);
  }

  // The accounts, against the points and misses that are there and those that must be.
  void expect_right_accounts(const Expected& expected) {
    EXPECT_EQ(number("SELECT count(*) FROM ia.points"),
              static_cast<std::int64_t>(expected.valued.size()));
    EXPECT_EQ(number("SELECT count(*) FROM ia.misses"),
              static_cast<std::int64_t>(expected.missed.size()));
    EXPECT_EQ(number("SELECT count(*) FROM ia.misses m JOIN ia.points p"
                     " USING (minute, influencer_id)"),
              0)
        << "both missed and valued";
    EXPECT_EQ(number("SELECT count(*) FROM ia.minutes m JOIN (SELECT minute, count(*) AS n,"
                     " sum(follower_count) AS f, sum(following_count) AS g FROM ia.points"
                     " GROUP BY 1) AS p USING (minute)"
                     " WHERE stored = n AND followers_sum = f AND following_sum = g"),
              kMinutes)
        << "an account is not the sum of its points";
    EXPECT_EQ(number("SELECT count(*) FROM ia.minutes m WHERE missed - rest ="
                     " (SELECT count(*) FROM ia.misses x WHERE x.minute = m.minute)"),
              kMinutes)
        << "an account is not the sum of its misses";
    EXPECT_EQ(number("SELECT count(*) FROM ia.minutes WHERE due = 240 AND stored + missed <= due"
                     " AND (NOT closed OR stored + missed = due)"),
              kMinutes)
        << "due is not stored + missed + open";
  }

  std::unique_ptr<TestDatabase> database_;
  std::atomic<int> failures_ = 0;
  std::atomic<std::shared_ptr<const std::string>> failure_;  // the last one
};

// Runs `work` again and again until the end of the scope.
class Meanwhile {
 public:
  explicit Meanwhile(std::function<void()> work)
      : thread_([work = std::move(work)](const std::stop_token& stop) {
          while (!stop.stop_requested()) work();
        }) {}

 private:
  std::jthread thread_;
};

TEST_F(Turmoil, SinksThatGetTheSameBatchesKeepTheAccountsRight) {
  const auto seed = seed_of_test();
  SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto all = deliveries(3, random);
  const auto expected = expected_of(all);
  const auto stores = open_stores(all.size());
  const auto closer = database_->open();
  AppendResult total;
  {
    const Meanwhile closing([&, n = 0]() mutable {
      const auto minute = kNoon + minutes{n++ % kMinutes};
      must(closer->close_minutes({minute, minute + minutes{1}}, MissReason::kOverrun));
    });
    const Meanwhile upkeep([&] { must(closer->maintain(kNoon)); });
    total = run_sinks(stores, all, seed);
  }
  must(closer->close_minutes({kNoon, kNoon + minutes{kMinutes}}, MissReason::kOverrun));
  EXPECT_EQ(failures_, 0) << *failure_.load();
  EXPECT_EQ(total.stored, expected.valued.size());
  EXPECT_EQ(total.repeats, expected.points - expected.valued.size());
  EXPECT_EQ(number("SELECT sum(repeats)::bigint FROM ia.minutes"),
            static_cast<std::int64_t>(total.repeats));
  expect_right_accounts(expected);
  EXPECT_EQ(number("SELECT count(*) FROM ia.minutes WHERE closed"), kMinutes);
}

TEST_F(Turmoil, WhoeverFollowsSeesEachPointOnceAndMissesNone) {
  const auto seed = seed_of_test();
  SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto all = deliveries(3, random);
  const auto stores = open_stores(all.size());
  const auto reader = database_->open();
  std::map<Key, int> seen;
  TailCursor cursor;
  const auto follow = [&] {
    const auto tail = must(reader->read_tail(cursor));
    cursor = tail.cursor;
    for (const auto& batch : tail.batches) {
      for (const auto id : batch.influencers) ++seen[{batch.minute, id}];
    }
    return !tail.batches.empty();
  };
  {
    const Meanwhile following(follow);
    run_sinks(stores, all, seed);
  }
  while (follow()) {
  }
  const auto expected = expected_of(all);
  EXPECT_EQ(seen.size(), expected.valued.size());
  for (const auto& key : expected.valued) {
    ASSERT_EQ(seen[key], 1) << number_of(key.second) << " in " << key.first.time_since_epoch();
  }
}

TEST_F(Turmoil, NothingIsLostOrDoubledWhenConnectionsAreCutInTheMiddle) {
  const auto seed = seed_of_test();
  SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto all = deliveries(3, random);
  const auto stores = open_stores(all.size());
  auto killer = database_->connect();
  {
    const Meanwhile cutting([&] {
      must(killer.execute(std::string("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                      " WHERE usename = '") +
                          kRunTimeRole + "' AND state = 'active'"));
      std::this_thread::sleep_for(std::chrono::milliseconds{7});
    });
    run_sinks(stores, all, seed);
  }
  EXPECT_GT(failures_, 0) << "nothing was cut";
  expect_right_accounts(expected_of(all));
}

TEST_F(Turmoil, NothingIsLostOrDoubledWhenTheServerIsKilled) {
  const auto seed = seed_of_test();
  SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto all = deliveries(2, random);
  const auto stores = open_stores(all.size());
  {
    std::vector<std::jthread> sinks;
    for (std::size_t i = 0; i < all.size(); ++i) {
      sinks.emplace_back([&, i] { run_sink(*stores[i], all[i], seed + i); });
    }
    while (failures_ == 0 && number("SELECT count(*) FROM ia.minutes") < kMinutes / 2) {
    }
    server().kill();
    must(server().start_again());
  }
  expect_right_accounts(expected_of(all));
  EXPECT_THAT(must(stores[0]->read_minutes({kNoon, kNoon + minutes{kMinutes}})), SizeIs(kMinutes));
}

// A process that was stopped in the middle of an append must hold nothing that others wait for.
TEST_F(Turmoil, AFrozenSinkHoldsNobodyUp) {
  const auto batch_number = [](std::uint64_t number) {
    auto batch = empty_batch(kNoon + minutes{number % kMinutes});
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      batch.influencers.push_back(InfluencerId{1'000'000 * number + i});
      batch.followers.push_back(1);
      batch.following.push_back(1);
    }
    return batch;
  };
  const auto dsn = database_->run_time_dsn();
  const pid_t child = fork();
  if (child == 0) {
    Log log(LogLevel::kError, LogFormat::kText, [](std::string_view) {});
    PostgresStoreOptions options;
    options.dsn = dsn;
    const auto store = open_postgres_store(options, log);
    for (std::uint64_t number = 0; store; ++number) {
      const auto batch = batch_number(number);
      if (!(*store)->append(std::span(&batch, 1))) break;
    }
    _exit(1);
  }
  const auto store = database_->open();
  std::mt19937_64 random(seed_of_test());
  std::uint64_t taken_over = 0;
  for (int round = 0; round < 12; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 30'000});
    ::kill(child, SIGSTOP);
    // What it was at comes to somebody else then, and so does what it has done.
    const auto reached = static_cast<std::uint64_t>(number("SELECT count(*) FROM ia.batches"));
    for (; taken_over < reached + 2; ++taken_over) {
      const auto batch = batch_number(taken_over);
      EXPECT_TRUE(store->append(std::span(&batch, 1)));
    }
    ::kill(child, SIGCONT);
  }
  ::kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_GT(taken_over, 5u);
  EXPECT_EQ(number("SELECT count(*) FROM ia.points"),
            number("SELECT sum(stored)::bigint FROM ia.minutes"));
}

TEST_F(Turmoil, OneKeepsHouseWhileOthersFindNothingToDo) {
  const auto seed = seed_of_test();
  SCOPED_TRACE("IA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto all = deliveries(2, random);
  const auto stores = open_stores(all.size());
  {
    std::vector<std::unique_ptr<Meanwhile>> keepers;
    for (int i = 0; i < 3; ++i) {
      auto store = std::shared_ptr<Store>(database_->open());
      keepers.push_back(std::make_unique<Meanwhile>(
          [store] { must(store->maintain(kNoon + std::chrono::hours{2})); }));
    }
    run_sinks(stores, all, seed);
  }
  const auto store = database_->open();
  while (must(store->maintain(kNoon + std::chrono::hours{3}))) {
  }
  expect_right_accounts(expected_of(all));
  EXPECT_EQ(number("SELECT count(*) FROM ia.batches"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM ia.latest l WHERE (follower_count, retrieved_at) ="
                   " (SELECT follower_count, minute + interval '7 s' FROM ia.points p"
                   " WHERE p.influencer_id = l.influencer_id ORDER BY minute DESC LIMIT 1)"),
            number("SELECT count(DISTINCT influencer_id) FROM ia.points"));
}

}  // namespace
}  // namespace ia
