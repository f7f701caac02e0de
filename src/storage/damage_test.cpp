#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "base/sqlite.h"
#include "storage/backup.h"
#include "storage/fixture.h"

// What the embedded store does when its files are damaged or its disk is full.
namespace ia {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(SqliteStoreTest, ReportsDamageOfASegmentAndGoesOnReadingEverythingElse) {
  constexpr std::uint64_t kCount = 3000;
  auto store = open();
  fill(*store, 2, kCount);
  maintain(*store, kMidnight + hours{3});
  store.reset();
  const auto names = names_in(segments());
  ASSERT_THAT(names, SizeIs(2));
  {
    std::fstream file(segments() / names[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(segments() / names[0]) / 4096 / 2 * 4096));
    file << std::string(4096, 'x');
  }
  store = open();
  int damaged = 0;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    const auto first = store->read_series(id(i), {kMidnight, kMidnight + hours{1}});
    ASSERT_TRUE(first) << first.error().message;
    if (first->damaged.empty()) {
      ASSERT_THAT(first->minutes, SizeIs(12));
    } else {
      ++damaged;
      EXPECT_THAT(first->minutes, SizeIs(0));
      EXPECT_THAT(first->damaged, ElementsAre(MinuteRange{kMidnight, kMidnight + hours{1}}));
    }
    const auto later = store->read_series(id(i), {kMidnight + hours{1}, kMidnight + hours{9}});
    ASSERT_THAT(later->minutes, SizeIs(13));
    ASSERT_THAT(later->damaged, SizeIs(0));
  }
  EXPECT_GT(damaged, 0);
  EXPECT_LT(damaged, 300);
  EXPECT_THAT(lines_, Contains(HasSubstr(names[0])));
  EXPECT_GT(store->size()->damaged, 0u);
  const auto columns = store->read_minute(kMidnight, {}).value();
  EXPECT_TRUE(columns.damaged);
  EXPECT_EQ(columns.size(), kCount - static_cast<std::uint64_t>(damaged));
  EXPECT_FALSE(store->read_minute(kMidnight + hours{1}, {})->damaged);
  const auto rows = store->read_minutes(kAlways).value();
  EXPECT_TRUE(rows.front().damaged);
  EXPECT_FALSE(rows.back().damaged);
}

TEST_F(SqliteStoreTest, NoticesAFlippedBitInAChunk) {
  auto store = open();
  fill(*store, 1, 30);
  maintain(*store, kMidnight + hours{2});
  store.reset();
  const auto file = segments() / names_in(segments()).at(0);
  const auto intact = contents_of(file);
  int noticed = 0;
  // The chunks fill the pages from their ends.
  for (std::size_t at = intact.size() - 600; at < intact.size(); at += 37) {
    auto bytes = intact;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    std::ofstream(file, std::ios::binary) << bytes;
    store = open();
    int refused = 0;
    for (std::uint64_t i = 1; i <= 30; ++i) {
      const auto series = store->read_series(id(i), kAlways).value();
      refused += series.damaged.empty() ? 0 : 1;
    }
    noticed += refused >= 1 ? 1 : 0;
  }
  EXPECT_EQ(noticed, (600 + 36) / 37);
}

TEST_F(SqliteStoreTest, NamesASegmentThatIsMissing) {
  auto store = open();
  fill(*store, 1, 3);
  maintain(*store, kMidnight + hours{2});
  store.reset();
  const auto name = names_in(segments()).at(0);
  fs::remove(segments() / name);
  store = open();
  const auto series = store->read_series(id(1), kAlways);
  ASSERT_TRUE(series) << series.error().message;
  EXPECT_THAT(series->damaged, ElementsAre(MinuteRange{kMidnight, kMidnight + hours{1}}));
  EXPECT_THAT(series->minutes, ElementsAre(kMidnight + hours{1}));
  EXPECT_THAT(lines_, Contains(HasSubstr(name)));
  // What comes late goes on top.
  EXPECT_EQ(append(*store, batch_of(kMidnight + minutes{7}, 1, 3)).stored, 3u);
  EXPECT_THAT(store->read_series(id(1), kAlways)->minutes, SizeIs(2));
}

TEST_F(SqliteStoreTest, TellsItsKnownDamageWithoutReadingTheValues) {
  auto store = open();
  fill(*store, 3, 300);
  maintain(*store, kMidnight + hours{4});
  store.reset();
  EXPECT_THAT(known_damage(data())->places, SizeIs(0));
  const auto names = names_in(segments());
  ASSERT_THAT(names, SizeIs(3));
  const auto intact = contents_of(segments() / names[0]);
  {
    std::fstream file(segments() / names[0], std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(4096, 'x');
  }
  EXPECT_THAT(known_damage(data())->places, SizeIs(0)) << "values are not read";
  store = open();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(store->read_minute(kMidnight, {})->damaged);
  }
  store.reset();
  fs::remove(segments() / names[2]);

  const auto damage = known_damage(data()).value();
  EXPECT_THAT(damage.ranges,
              ElementsAre(MinuteRange{kMidnight, kMidnight + hours{1}},
                          MinuteRange{kMidnight + hours{2}, kMidnight + hours{3}}));
  EXPECT_THAT(damage.places, ElementsAre(HasSubstr(names[2]), HasSubstr(names[0])));

  EXPECT_THAT(verify_data(data(), true)->findings, Not(SizeIs(0)));
  EXPECT_THAT(known_damage(data())->places, SizeIs(2)) << "it is damaged still";
}

TEST_F(SqliteStoreTest, ForgetsDamageOnceVerifyFindsNothing) {
  auto store = open();
  fill(*store, 1, 30);
  maintain(*store, kMidnight + hours{2});
  store.reset();
  const auto file = segments() / names_in(segments()).at(0);
  const auto intact = contents_of(file);
  std::ofstream(file, std::ios::binary) << intact.substr(0, intact.size() - 4096)
                                        << std::string(4096, 'x');
  store = open();
  ASSERT_TRUE(store->read_minute(kMidnight, {})->damaged);
  store.reset();
  std::ofstream(file, std::ios::binary) << intact;
  EXPECT_THAT(known_damage(data())->places, SizeIs(1));
  EXPECT_THAT(verify_data(data(), false)->findings, SizeIs(0));
  EXPECT_THAT(known_damage(data())->places, SizeIs(1)) << "to verify changes nothing";
  EXPECT_THAT(verify_data(data(), true)->repairs, SizeIs(1));
  EXPECT_THAT(known_damage(data())->places, SizeIs(0));
}

TEST_F(SqliteStoreTest, SurvivesAListOfDamageThatIsDamagedItself) {
  auto store = open();
  fill(*store, 1, 3);
  store.reset();
  std::ofstream(data() / "store.damage", std::ios::binary)
      << "x\n\n12\n9223372036854775807 9223372036854775807 a\n-5 5 b\n28493280 28493281 c\n"
      << "28493280 28493281 c\n1 99999999999999999999999 d\n28493280 28493282 \x1b]e";
  EXPECT_THAT(known_damage(data())->places,
              ElementsAre(HasSubstr("c"), AllOf(HasSubstr("e"), Not(HasSubstr("\x1b")))));
}

void flip(const fs::path& path, std::size_t at) {
  auto bytes = contents_of(path);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 16);
  std::ofstream(path, std::ios::binary) << bytes;
}

// Moves what is in the log into the file.
void empty_log(const fs::path& data) {
  auto db = sqlite::Connection::open(data / "store.db", sqlite::Access::kWrite).value();
  ASSERT_TRUE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
}

TEST_F(SqliteStoreTest, AFlippedBitOfTheOpenHoursIsNeverServedAndCostsOnlyWhatItHit) {
  constexpr std::uint64_t kCount = 3000;
  auto store = open();
  fill(*store, 1, kCount);
  store.reset();
  empty_log(data());
  const auto intact = contents_of(data() / "store.db");
  std::mt19937 random(5);
  int damaged_trials = 0;
  int refused = 0;
  for (int trial = 0; trial < 60; ++trial) {
    for (const auto* log : {"store.db-wal", "store.db-shm"}) fs::remove(data() / log);
    std::ofstream(data() / "store.db", std::ios::binary) << intact;
    // Behind the pages of the schema and the small tables.
    const auto at_byte = 16384 * 14 + random() % (intact.size() - 16384 * 14);
    flip(data() / "store.db", at_byte);
    SCOPED_TRACE("page " + std::to_string(1 + at_byte / 16384) + " of " +
                 std::to_string(intact.size() / 16384));
    auto opened = try_open(data());
    ASSERT_TRUE(opened) << opened.error().message;
    std::size_t damaged = 0;
    for (std::uint64_t i = 1; i <= kCount; i += 599) {
      const auto series = (*opened)->read_series(id(i), kAlways);
      ASSERT_TRUE(series) << series.error().message;
      for (std::size_t at = 0; at < series->size(); ++at) {
        const auto batch = batch_of(series->minutes[at], 1, kCount);
        ASSERT_EQ(series->followers[at], batch.followers[i - 1]);
        ASSERT_EQ(series->following[at], batch.following[i - 1]);
      }
      ASSERT_TRUE(series->size() == 13 || !series->damaged.empty());
      ASSERT_GE(series->size(), 5u);
      damaged += series->damaged.size();
    }
    damaged_trials += damaged > 0 ? 1 : 0;
    const auto latest = (*opened)->read_latest();
    EXPECT_TRUE(latest) << latest.error().message;
    EXPECT_TRUE((*opened)->read_tail({}));
    // Only the page that would take the next rows keeps them from being stored, and says so.
    const auto more = batch_of(kMidnight + minutes{61}, 1, kCount);
    const auto appended = (*opened)->append(std::span(&more, 1));
    EXPECT_TRUE(appended || appended.error().code == Errc::kCorrupt);
    refused += appended ? 0 : 1;
  }
  EXPECT_GT(damaged_trials, 20);
  EXPECT_LT(refused, 20);
}

TEST_F(SqliteStoreTest, LeavesADayWithADamagedHourUnmergedAndGoesOn) {
  auto store = open();
  fill(*store, 26, 200);
  maintain(*store, kMidnight + hours{24});
  store.reset();
  const auto names = names_in(segments());
  const auto victim = segments() / names.at(3);
  {
    std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(victim) - 2048));
    file << std::string(1024, 'x');
  }
  store = open();
  int errors = 0;
  for (int minute = 0; minute < 10; ++minute) {
    Result<bool> more = true;
    while (more && *more) more = store->maintain(kMidnight + hours{27} + minutes{minute});
    if (more) continue;
    ++errors;
    EXPECT_EQ(more.error().code, Errc::kCorrupt);
    EXPECT_THAT(more.error().message, HasSubstr(names[3]));
  }
  EXPECT_EQ(errors, 1);
  EXPECT_THAT(names_in(segments()), SizeIs(27));
  EXPECT_THAT(store->read_series(id(1), {kMidnight + hours{25}, kMidnight + hours{26}})->minutes,
              SizeIs(12));
}

// Files may not grow beyond `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : before_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit tight{bytes, limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    signal(SIGXFSZ, before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  sighandler_t before_;
  rlimit limit_{};
};

TEST_F(SqliteStoreTest, RefusesWhatDoesNotFitAndGoesOnWhenItDoes) {
  auto store = open();
  fill(*store, 1, 100);
  const auto more = batch_of(kMidnight + minutes{1}, 1, 5000);
  {
    const FileSizeLimit limit(fs::file_size(data() / "store.db-wal") + 20'000);
    for (int i = 0; i < 3; ++i) {
      const auto refused = store->append(std::span(&more, 1));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    }
    EXPECT_THAT(store->read_series(id(1), kAlways)->minutes, SizeIs(13));
  }
  EXPECT_EQ(append(*store, more).stored, 5000u);
  EXPECT_EQ(append(*store, more).repeats, 5000u);
  EXPECT_EQ(store->read_minutes({more.minute, more.minute + minutes{1}})->at(0).repeats, 5000u);
}

// A disk of a megabyte; `error` is set when there is no right to make one.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directory(at);
    if (mount("tmpfs", at.c_str(), "tmpfs", 0, "size=1m") != 0) error = std::strerror(errno);
  }
  ~SmallDisk() { umount2(at_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  std::string error;

 private:
  fs::path at_;
};

TEST_F(SqliteStoreTest, SaysThatTheDiskIsFull) {
  const SmallDisk disk(data());
  if (!disk.error.empty()) {
    GTEST_SKIP() << "SKIPPED: cannot mount a small disk (run as root): " << disk.error;
  }
  auto store = open();
  append(*store, batch_of(kMidnight, 1, 100));
  const auto more = batch_of(kMidnight + minutes{1}, 1, 1'000'000);
  const auto refused = store->append(std::span(&more, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("disk full: "));
  EXPECT_THAT(store->read_series(id(1), kAlways)->minutes, SizeIs(1));
  EXPECT_EQ(append(*store, batch_of(kMidnight + minutes{1}, 1, 100)).stored, 100u);
}

TEST_F(SqliteStoreTest, SettlesLaterWhenTheDiskWasFull) {
  auto store = open();
  fill(*store, 1, 20'000);
  const auto now = kMidnight + hours{2};
  while (store->maintain(now).value()) {
  }
  {
    const FileSizeLimit limit(200'000);
    bool failed = false;
    for (int i = 0; i < 100 && !failed; ++i) {
      const auto more = store->maintain(now + minutes{2});
      failed = !more;
      if (failed) {
        EXPECT_EQ(more.error().code, Errc::kUnavailable);
      }
    }
    EXPECT_TRUE(failed);
    EXPECT_THAT(names_in(segments()), Not(::testing::Contains(HasSubstr("tmp"))));
    EXPECT_THAT(store->read_series(id(1), kAlways)->minutes, SizeIs(13));
  }
  maintain(*store, now + minutes{10});
  EXPECT_THAT(names_in(segments()), SizeIs(2));
  expect_filled(*store, 1, 20'000);
}

}  // namespace
}  // namespace ia
