#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "storage/fixture.h"
#include "storage/old_segments.h"
#include "storage/segment.h"
#include "storage/tables.h"

// What the embedded store promises besides tests/store_contract_test.cpp: its files, kills, and
// several processes in one directory. Damage and full disks: damage_test.cpp.
namespace ia {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_F(SqliteStoreTest, MakesFilesThatOnlyTheirOwnerReads) {
  auto store = open();
  fill(*store, 1, 10);
  maintain(*store, kMidnight + hours{2});
  for (const auto& entry : fs::recursive_directory_iterator(data())) {
    struct stat status{};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, entry.is_directory() ? 0700 : 0600) << entry.path();
  }
  EXPECT_THAT(names_in(segments()), SizeIs(1));
}

// A million scattered ids are 17 MB of text, and several threads look once a second.
TEST_F(SqliteStoreTest, ReadsTheRegistrysTextOnceAnEpoch) {
  const auto registry_of = [](std::uint64_t epoch, std::string_view ids) {
    Registry registry;
    registry.epoch = epoch;
    registry.influencers = InfluencerSet::parse(ids).value();
    return registry;
  };
  const auto ids_at = [](const Store& store) {
    return store.registry()->influencers.ranges().data();
  };
  auto store = open();
  ASSERT_TRUE(store->put_registry(registry_of(1, "5,7,9")));
  auto other = open();
  const auto* once = ids_at(*other);
  EXPECT_EQ(ids_at(*other), once);
  ASSERT_TRUE(store->put_registry(registry_of(2, "5,7,11")));
  EXPECT_EQ(*other->registry(), registry_of(2, "5,7,11"));
  EXPECT_EQ(*store->registry(), registry_of(2, "5,7,11"));
}

TEST_F(SqliteStoreTest, RefusesADirectoryOfANewerFormatAndLeavesItAlone) {
  fs::create_directory(data());
  std::ofstream(data() / "store.version") << "influencer-analytics store 5\n";
  for (const bool read_only : {false, true}) {
    const auto store = try_open(data(), read_only);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kInvalid);
    EXPECT_THAT(store.error().message, AllOf(HasSubstr("format 5"), HasSubstr("newer program")));
  }
  EXPECT_THAT(names_in(data()), ElementsAre("store.version"));
}

TEST_F(SqliteStoreTest, RefusesAVersionFileThatIsNotOne) {
  fs::create_directory(data());
  std::ofstream(data() / "store.version") << "something else\n";
  const auto store = try_open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::kCorrupt);
}

TEST_F(SqliteStoreTest, SaysThatADirectoryCannotBeWritten) {
  std::ofstream(data()) << "a file";
  const auto store = try_open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::kInvalid);
  EXPECT_THAT(store.error().message, HasSubstr("cannot write"));
}

TEST_F(SqliteStoreTest, SaysThatThereIsNothingToReadYet) {
  const auto store = try_open(data(), true);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::kUnavailable);
  EXPECT_FALSE(fs::exists(data()));
}

TEST_F(SqliteStoreTest, OnlyReadsWhenOpenedReadOnly) {
  open();
  const auto store = open(data(), true);
  const auto batch = batch_of(kMidnight, 1, 1);
  EXPECT_EQ(store->append(std::span(&batch, 1)).error().code, Errc::kInvalid);
  EXPECT_EQ(store->maintain(kMidnight).error().code, Errc::kInvalid);
  EXPECT_EQ(store->put_registry({.epoch = 1, .schedule = {}, .influencers = {}}).error().code,
            Errc::kInvalid);
  EXPECT_EQ(store->close_minutes(kAlways, MissReason::kDown).error().code, Errc::kInvalid);
}

TEST_F(SqliteStoreTest, ShowsAReaderOfAnotherProcessWhatWasAppendedAndSettled) {
  auto writer = open();
  const auto reader = open(data(), true);
  for (int hour = 0; hour < 26; ++hour) {
    append(*writer, batch_of(kMidnight + hours{hour}, 1, 3));
    ASSERT_THAT(reader->read_series(id(2), kAlways)->minutes, SizeIs(hour + 1));
    maintain(*writer, kMidnight + hours{hour} + minutes{10});
    ASSERT_THAT(reader->read_series(id(2), kAlways)->minutes, SizeIs(hour + 1));
  }
  // The day has become one file, and the last hours their own.
  EXPECT_THAT(names_in(segments()), SizeIs(2));
}

TEST_F(SqliteStoreTest, LeavesAnHourOpenWhileItsBatchesStillComeIn) {
  auto store = open();
  const auto at = [&](int minute) {
    while (store->maintain(kMidnight + hours{5} + minutes{minute}).value()) {
    }
    return names_in(segments()).size();
  };
  append(*store, batch_of(kMidnight, 1, 10));
  EXPECT_EQ(at(0), 0u);
  append(*store, batch_of(kMidnight + minutes{1}, 1, 10));
  EXPECT_EQ(at(1), 0u);
  EXPECT_EQ(at(2), 0u);
  EXPECT_EQ(at(3), 1u);
}

TEST_F(SqliteStoreTest, MergesADayOfWhichOneHourCameLate) {
  auto store = open();
  for (const int hour : {0, 1, 5, 25, 3}) {
    append(*store, batch_of(kMidnight + hours{hour}, 1, 10));
  }
  maintain(*store, kMidnight + hours{27});
  EXPECT_THAT(names_in(segments()), SizeIs(2));
  append(*store, batch_of(kMidnight + hours{4}, 1, 10));
  maintain(*store, kMidnight + hours{28});
  EXPECT_THAT(names_in(segments()), SizeIs(2));
  EXPECT_THAT(store->read_series(id(1), kAlways)->minutes, SizeIs(6));
}

TEST_F(SqliteStoreTest, MergesADayAgainWhenMuchCameLate) {
  auto store = open();
  append(*store, batch_of(kMidnight, 1, 10));
  maintain(*store, kMidnight + hours{27});
  const auto before = names_in(segments());
  std::vector<PointBatch> late;
  for (int minute = 1; minute <= 1001; ++minute) {
    late.push_back(batch_of(kMidnight + minutes{minute}, 3, 2));
  }
  ASSERT_EQ(store->append(late)->stored, 2002u);
  EXPECT_THAT(store->read_series(id(4), kAlways)->minutes, SizeIs(1002));
  maintain(*store, kMidnight + hours{28});
  EXPECT_THAT(names_in(segments()), SizeIs(1));
  EXPECT_NE(names_in(segments()), before);
  EXPECT_THAT(store->read_series(id(4), kAlways)->minutes, SizeIs(1002));
  EXPECT_THAT(store->read_series(id(5), kAlways)->minutes, SizeIs(1));
}

class OldSegmentsTest : public SqliteStoreTest,
                        public ::testing::WithParamInterface<sqlite_store::SegmentFormat> {};

TEST_P(OldSegmentsTest, AreReadAndEncodedAgainWhenTheyAreMerged) {
  constexpr std::uint64_t kCount = 20;
  auto store = open();
  fill(*store, 26, kCount);
  maintain(*store, kMidnight + hours{28});
  sqlite_store::make_old(data(), *store, kCount, GetParam());
  store = open();
  EXPECT_EQ(contents_of(data() / "store.version"), "influencer-analytics store 4\n");
  EXPECT_THAT(names_in(segments()), Each(EndsWith(".db")));
  expect_filled(*store, 26, kCount);
  const auto noon = kMidnight + hours{12};
  EXPECT_THAT(store->read_minute(noon, {})->influencers, SizeIs(kCount));
  EXPECT_THAT(store->read_minute(noon + minutes{1}, {})->influencers, IsEmpty());
  EXPECT_EQ(append(*store, batch_of(noon, 1, kCount)).repeats, kCount);

  std::vector<PointBatch> late;
  for (int minute = 0; late.size() <= 1000; ++minute) {
    if (minute % 5 != 0) late.push_back(batch_of(kMidnight + minutes{minute}, 3, 1));
  }
  ASSERT_EQ(store->append(late)->stored, late.size());
  maintain(*store, kMidnight + hours{30});
  EXPECT_THAT(names_in(segments()), Contains(AllOf(StartsWith("day-"), EndsWith(".seg"))));
  EXPECT_THAT(store->read_series(id(3), kAlways)->minutes, SizeIs(26 * 12 + 1 + late.size()));
  EXPECT_THAT(store->read_series(id(4), kAlways)->minutes, SizeIs(26 * 12 + 1));
  EXPECT_EQ(store->read_series(id(3), kAlways)->damaged.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Formats, OldSegmentsTest,
                         ::testing::Values(sqlite_store::SegmentFormat::kWhole,
                                           sqlite_store::SegmentFormat::kHours));

// The files of old_segments/ were written by version 3 of the store: what `fill` puts into it.
TEST_F(SqliteStoreTest, ServesTheSegmentsThatVersion3Wrote) {
  auto store = open();
  fill(*store, 26, 3);
  maintain(*store, kMidnight + hours{28});
  store.reset();
  const fs::path old = IA_OLD_SEGMENTS;
  {
    auto db = sqlite::Connection::open(data() / "store.db", sqlite::Access::kWrite).value();
    for (const auto& name : names_in(segments())) {
      const auto old_name = fs::path(name).stem().string() + ".db";
      fs::copy_file(old / old_name, segments() / old_name);
      fs::remove(segments() / name);
      const auto renamed =
          "UPDATE segment SET name = '" + old_name + "' WHERE name = '" + name + "'";
      ASSERT_TRUE(db.execute(renamed.c_str()));
    }
  }
  ASSERT_EQ(names_in(segments()), names_in(old));
  store = open();
  expect_filled(*store, 26, 3);
  EXPECT_THAT(store->read_minute(kMidnight + hours{5}, {})->influencers, SizeIs(3));
  EXPECT_THAT(store->read_minute(kMidnight + hours{25}, {})->influencers, SizeIs(3));
}

// Every state that a kill can leave behind is one between two of the store's steps, as each of
// them is one transaction or one rename.
TEST_F(SqliteStoreTest, OpensWithEverythingAfterAKillAtAnyStep) {
  constexpr int kHours = 26;
  constexpr std::uint64_t kCount = 20;
  const auto copy = directory_.path() / "copy";
  auto store = open();
  fill(*store, kHours, kCount);
  int steps = 0;
  for (const int minute : {0, 2, 5, 7}) {
    const auto now = kMidnight + hours{kHours + 1} + minutes{minute};
    for (bool more = true; more && !HasFatalFailure(); ++steps) {
      copy_as_killed(data(), copy);
      auto reopened = open(copy);
      expect_filled(*reopened, kHours, kCount);
      if (steps % 8 == 0) {
        EXPECT_EQ(append(*reopened, batch_of(kMidnight, 1, kCount)).repeats, kCount);
        maintain(*reopened, now + hours{1});
        expect_filled(*reopened, kHours, kCount);
        EXPECT_THAT(names_in(copy / "segments"), SizeIs(1 + kHours - 24 + 1));
      }
      reopened.reset();
      more = store->maintain(now).value();
    }
  }
  EXPECT_GT(steps, 100);
}

TEST_F(SqliteStoreTest, ReadsWhatAKilledProcessLeftWithoutWritingIt) {
  const auto store = open();
  fill(*store, 1, 10);
  const auto copy = directory_.path() / "copy";
  copy_as_killed(data(), copy);
  const auto log = contents_of(copy / "store.db-wal");
  expect_filled(*open(copy, true), 1, 10);
  EXPECT_EQ(contents_of(copy / "store.db-wal"), log);
}

TEST_F(SqliteStoreTest, AcceptsValuesAgainWhenAWrongClockWasSetBack) {
  auto store = open();
  maintain(*store, kMidnight + days{365});
  EXPECT_EQ(append(*store, batch_of(kMidnight, 1, 1)).expired, 1u);
  maintain(*store, kMidnight);
  EXPECT_EQ(append(*store, batch_of(kMidnight, 1, 1)).stored, 1u);
  EXPECT_THAT(lines_, ::testing::Contains(HasSubstr("set back")));
}

// A segment covers minutes on both sides of the horizon until the whole of it has expired.
TEST_F(SqliteStoreTest, AnswersNoMissOlderThanItsRetention) {
  auto store = open();
  fill(*store, 2, 3);
  std::vector<Minute> missed;
  for (const auto at : {minutes{1}, minutes{31}, minutes{61}}) {
    auto batch = batch_of(kMidnight + at, 1, 3);
    batch.misses.push_back({id(4), MissReason::kTimeout});
    append(*store, batch);
    missed.push_back(batch.minute);
  }
  maintain(*store, kMidnight + hours{26});
  ASSERT_EQ(store->read_misses(id(4), missed)->size(), 3U);
  for (auto past = minutes{0}; past <= minutes{31}; past += minutes{5}) {
    append(*store, batch_of(kMidnight + days{30} + past, 1, 3));
    maintain(*store, kMidnight + days{30} + past);
  }
  const auto horizon = store->horizon().value();
  ASSERT_GT(horizon, missed[0]);
  ASSERT_LE(horizon, missed[2]);
  const auto wanted = std::ranges::count_if(missed, [&](Minute at) { return at >= horizon; });
  EXPECT_EQ(std::ssize(store->read_misses(id(4), missed).value()), wanted);
}

TEST_F(SqliteStoreTest, KeepsAndNamesFilesThatStoreDbDoesNotList) {
  open();
  const std::vector<std::string> kept = {"day-28493280-1.db.tmp", "hour-28493280-1.db",
                                         "hour-28493280-1.db.orig", "notes.txt"};
  for (const auto& name : kept) std::ofstream(segments() / name) << "junk";
  auto store = open();
  fill(*store, 1, 10);
  maintain(*store, kMidnight + hours{2});
  for (const auto& name : kept) {
    EXPECT_EQ(contents_of(segments() / name), "junk") << name;
    EXPECT_THAT(lines_, ::testing::Contains(HasSubstr(name)));
  }
}

TEST_F(SqliteStoreTest, DeletesNoSegmentWhenStoreDbIsLostOrOlder) {
  {
    const auto store = open();
    fill(*store, 1, 10);
    maintain(*store, kMidnight + hours{2});
  }
  fs::copy_file(data() / "store.db", directory_.path() / "older.db");
  {
    const auto store = open();
    for (int minute = 60; minute < 1440; minute += 5) {
      append(*store, batch_of(kMidnight + minutes{minute}, 1, 10));
    }
    maintain(*store, kMidnight + hours{28});
  }
  const auto before = names_in(segments());
  for (const bool is_lost : {false, true}) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      fs::remove(data() / ("store.db" + std::string(suffix)));
    }
    if (!is_lost) fs::copy_file(directory_.path() / "older.db", data() / "store.db");
    auto store = open();
    append(*store, batch_of(kMidnight + hours{50}, 1, 10));
    for (const auto at : {hours{52}, hours{80}}) {
      for (int slice = 0; slice < 50; ++slice) (void)store->maintain(kMidnight + at);
    }
    EXPECT_THAT(names_in(segments()), ::testing::IsSupersetOf(before));
  }
}

TEST_F(SqliteStoreTest, RemovesWhatItReplacedEvenAfterAKill) {
  const auto copy = directory_.path() / "copy";
  {
    const auto store = open();
    fill(*store, 2, 10);
    maintain(*store, kMidnight + hours{3});
  }
  const auto hour_files = names_in(segments());
  ASSERT_THAT(hour_files, SizeIs(2));
  fs::copy(segments(), copy);
  {
    const auto store = open();
    maintain(*store, kMidnight + hours{28});
  }
  ASSERT_THAT(names_in(segments()), ElementsAre(HasSubstr("day-")));
  // As when the process was killed before it removed them.
  auto db = sqlite::Connection::open(data() / "store.db", sqlite::Access::kWrite);
  for (const auto& name : hour_files) {
    fs::copy_file(copy / name, segments() / name);
    ASSERT_TRUE(db->execute(("INSERT INTO replaced VALUES ('" + name + "')").c_str()));
  }
  auto store = open();
  maintain(*store, kMidnight + hours{28});
  EXPECT_THAT(names_in(segments()), ElementsAre(HasSubstr("day-")));
}

// The parent knows what was acknowledged; the child is killed in the middle of anything.
TEST_F(SqliteStoreTest, LosesNothingAcknowledgedToKills) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int acknowledged = 0;
  for (int round = 0; round < 6; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = try_open(data());
      if (!store) _exit(1);
      for (int minute = acknowledged;; ++minute) {
        const auto batch = batch_of(kMidnight + minutes{minute}, 1, 50);
        if (!(*store)->append(std::span(&batch, 1))) _exit(2);
        if (write(pipe_ends[1], "x", 1) != 1) _exit(3);
        for (int i = 0; i < 4; ++i) {
          if (!(*store)->maintain(kMidnight + minutes{minute})) _exit(4);
        }
      }
    }
    close(pipe_ends[1]);
    char byte;
    // So that each round is killed at another place, whatever the machine's speed.
    const auto lives = 20 + random() % 60;
    for (unsigned i = 0; i < lives && read(pipe_ends[0], &byte, 1) == 1; ++i) ++acknowledged;
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);

    const auto store = open();
    const auto series = store->read_series(id(7), kAlways).value();
    ASSERT_GE(series.size(), static_cast<std::size_t>(acknowledged));
    ASSERT_LE(series.size(), static_cast<std::size_t>(acknowledged) + 1);
    for (std::size_t i = 0; i < series.size(); ++i) {
      ASSERT_EQ(series.minutes[i], kMidnight + minutes{i});
      ASSERT_EQ(series.followers[i], batch_of(series.minutes[i], 1, 50).followers[6]);
    }
    const auto rows = store->read_minutes(kAlways).value();
    ASSERT_EQ(rows.size(), series.size());
    for (const auto& row : rows) ASSERT_EQ(row.stored, 50u);
  }
}

TEST_F(SqliteStoreTest, KeepsItsLogShort) {
  auto store = open();
  for (int minute = 0; minute < 200; ++minute) {
    append(*store, batch_of(kMidnight + minutes{minute}, 1, 10'000));
    for (int i = 0; i < 20 && store->maintain(kMidnight + minutes{minute}).value(); ++i) {
    }
  }
  EXPECT_LT(fs::file_size(data() / "store.db-wal"), 64u << 20);
  // Frames of settled hours have made room for new ones.
  EXPECT_LT(fs::file_size(data() / "store.db"), 30u << 20);
}

// Readers look while batches come in and hours are settled and merged under them.
TEST_F(SqliteStoreTest, ShowsReadersAWholeSeriesAtAnyTime) {
  constexpr int kMinutes = 250;  // over midnight, so that a day is merged
  const Minute begin = kMidnight + hours{21};
  auto store = open();
  std::atomic<int> stored = 0;
  std::atomic<bool> failed = false;
  const auto look = [&](const Store& from) {
    while (stored < kMinutes && !failed) {
      const auto least = static_cast<std::size_t>(stored.load());
      const auto series = from.read_series(id(5), kAlways);
      if (!series || series->size() < least) failed = true;
      for (std::size_t i = 0; series && i < series->size(); ++i) {
        if (series->minutes[i] != begin + minutes{i}) failed = true;
      }
    }
  };
  const auto other = open(data(), true);
  std::thread first([&] { look(*store); });
  std::thread second([&] { look(*other); });
  std::thread housekeeping([&] {
    while (stored < kMinutes && !failed) {
      if (!store->maintain(begin + minutes{stored})) failed = true;
    }
  });
  for (int minute = 0; minute < kMinutes && !failed; ++minute) {
    append(*store, batch_of(begin + minutes{minute}, 1, 10));
    stored = minute + 1;
  }
  first.join();
  second.join();
  housekeeping.join();
  EXPECT_FALSE(failed);
}

TEST_F(SqliteStoreTest, KeepsAccountsOfMoreMinutesThanItRemembers) {
  auto store = open();
  for (int round = 0; round < 2; ++round) {
    for (int minute = 0; minute < 100; ++minute) {
      const auto result = append(*store, batch_of(kMidnight + minutes{minute}, 1, 3));
      ASSERT_EQ(result.stored, round == 0 ? 3u : 0u);
    }
  }
}

TEST_F(SqliteStoreTest, AddsUpToTheLargestSumAndNoFurther) {
  auto store = open();
  auto batch = batch_of(kMidnight, 1, 2000);
  std::ranges::fill(batch.followers, kCountMax);
  append(*store, batch);
  EXPECT_EQ(store->read_minutes(kAlways)->at(0).followers_sum, INT64_MAX);
}

}  // namespace
}  // namespace ia
