#include "adapters/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "testing/temp_dir.h"

// What the embedded store promises besides tests/store_contract_test.cpp: its files, kills, damage,
// full disks, and several processes in one directory.
namespace ia {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Minute kMidnight{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
const MinuteRange kAlways{kMidnight - days{30}, kMidnight + days{30}};

InfluencerId id(std::uint64_t number) { return InfluencerId{number}; }

PointBatch batch_of(Minute minute, std::uint64_t first, std::uint64_t count) {
  PointBatch batch{.minute = minute,
                   .retrieved_at = minute + seconds{7},
                   .influencers = {},
                   .followers = {},
                   .following = {},
                   .misses = {},
                   .usernames = {}};
  std::mt19937_64 random(number_of(id(first)) +
                         static_cast<std::uint64_t>(minute.time_since_epoch().count()));
  for (auto i = first; i < first + count; ++i) {
    batch.influencers.push_back(id(i));
    batch.followers.push_back(static_cast<std::int64_t>(random() % 1'000'000));
    batch.following.push_back(static_cast<std::int64_t>(random() % 10'000));
  }
  return batch;
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string contents_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// As a power cut leaves it, but for what was not synced: -shm is memory.
void copy_as_killed(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
  fs::remove(to / "store.db-shm");
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Store>> try_open(const fs::path& path, bool read_only = false) {
    return open_sqlite_store({.directory = path, .retention = days{30}, .read_only = read_only},
                             log_);
  }
  std::unique_ptr<Store> open(const fs::path& path, bool read_only = false) {
    auto store = try_open(path, read_only);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::unique_ptr<Store> open() { return open(data()); }
  fs::path data() const { return directory_.path() / "data"; }
  fs::path segments() const { return data() / "segments"; }

  static AppendResult append(Store& store, const PointBatch& batch) {
    return store.append(std::span(&batch, 1)).value();
  }
  // All that there is to do by that time.
  static void maintain(Store& store, WallTime now) {
    for (const auto at : {now - minutes{5}, now - minutes{2}, now}) {
      while (store.maintain(at).value()) {
      }
    }
  }
  // Twelve minutes an hour of `count` influencers, and one of the hour behind them.
  static void fill(Store& store, int hour_count, std::uint64_t count) {
    for (int minute = 0; minute <= hour_count * 60; minute += 5) {
      append(store, batch_of(kMidnight + minutes{minute}, 1, count));
    }
  }
  // That the store has exactly what `fill` put into it, and its accounts say so.
  static void expect_filled(const Store& store, int hour_count, std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; i += std::max<std::uint64_t>(1, count / 7)) {
      const auto series = store.read_series(id(i), kAlways).value();
      ASSERT_EQ(series.size(), static_cast<std::size_t>(hour_count) * 12 + 1) << i;
      for (std::size_t at = 0; at < series.size(); ++at) {
        const auto batch = batch_of(series.minutes[at], 1, count);
        ASSERT_EQ(series.followers[at], batch.followers[i - 1]);
        ASSERT_EQ(series.following[at], batch.following[i - 1]);
      }
    }
    const auto rows = store.read_minutes(kAlways).value();
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(hour_count) * 12 + 1);
    for (const auto& row : rows) ASSERT_EQ(row.stored, count);
    ASSERT_EQ(store.read_latest()->values.influencers.size(), count);
  }

  TempDir directory_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
};

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

TEST_F(SqliteStoreTest, RefusesADirectoryOfANewerFormatAndLeavesItAlone) {
  fs::create_directory(data());
  std::ofstream(data() / "store.version") << "influencer-analytics store 2\n";
  for (const bool read_only : {false, true}) {
    const auto store = try_open(data(), read_only);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kInvalid);
    EXPECT_THAT(store.error().message, AllOf(HasSubstr("format 2"), HasSubstr("newer program")));
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

TEST_F(SqliteStoreTest, RemovesTheFilesThatAKillLeftBehind) {
  open();
  std::ofstream(segments() / "hour-28493280-1.db") << "junk";
  std::ofstream(segments() / "day-28493280-1.db.tmp") << "junk";
  auto store = open();
  maintain(*store, kMidnight);
  EXPECT_THAT(names_in(segments()), IsEmpty());
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
    if (!first) {
      ++damaged;
      EXPECT_EQ(first.error().code, Errc::kCorrupt);
      EXPECT_THAT(first.error().message, HasSubstr(names[0]));
    } else {
      EXPECT_THAT(first->minutes, SizeIs(12));
    }
    ASSERT_TRUE(store->read_series(id(i), {kMidnight + hours{1}, kMidnight + hours{9}}));
  }
  EXPECT_GT(damaged, 0);
  EXPECT_LT(damaged, 300);
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
      refused += store->read_series(id(i), kAlways).has_value() ? 0 : 1;
    }
    noticed += refused == 1 ? 1 : 0;
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
  ASSERT_FALSE(series);
  EXPECT_EQ(series.error().code, Errc::kCorrupt);
  EXPECT_THAT(series.error().message, HasSubstr(name));
  EXPECT_TRUE(store->read_series(id(1), {kMidnight + hours{1}, kMidnight + hours{2}}));
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
