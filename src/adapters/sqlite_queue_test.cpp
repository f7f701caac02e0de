// What is particular to the embedded queue; tests/queue_contract_test.cpp holds the rest.
#include "adapters/sqlite_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "adapters/sqlite.h"
#include "base/failed_sync.h"
#include "testing/manual_clock.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// SQLite's own way to the disk, with failures on demand. The default one while it lives.
class FaultyDisk {
 public:
  FaultyDisk() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "faulty";
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDisk() {
    is_full = fsync_fails = false;
    sqlite3_vfs_unregister(&vfs_);
  }

  static inline std::atomic<bool> is_full = false;
  static inline std::atomic<bool> fsync_fails = false;

 private:
  static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* got) {
    const int code = real_->xOpen(real_, name, file, flags, got);
    if (code != SQLITE_OK || file->pMethods == nullptr) return code;
    auto& faulty = methods_[file->pMethods];
    faulty = {*file->pMethods, file->pMethods};
    faulty.methods.xWrite = write;
    faulty.methods.xSync = sync;
    file->pMethods = &faulty.methods;
    return code;
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    return is_full ? SQLITE_FULL : real_methods(file)->xWrite(file, bytes, size, at);
  }
  static int sync(sqlite3_file* file, int flags) {
    return fsync_fails ? SQLITE_IOERR_FSYNC : real_methods(file)->xSync(file, flags);
  }

  struct Methods {
    sqlite3_io_methods methods;
    const sqlite3_io_methods* real;
  };
  static const sqlite3_io_methods* real_methods(sqlite3_file* file) {
    return reinterpret_cast<const Methods*>(file->pMethods)->real;
  }

  static inline sqlite3_vfs* real_ = nullptr;
  static inline std::map<const sqlite3_io_methods*, Methods> methods_;  // by the real ones
  sqlite3_vfs vfs_{};
};

class SqliteQueueTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SqliteQueue>> try_open(const Clock& clock, const std::string& name = "q") {
    return SqliteQueue::open({.directory = directory_.path(), .name = name}, clock, log_);
  }
  std::unique_ptr<SqliteQueue> open() { return try_open(clock_).value(); }
  std::filesystem::path file() const { return directory_.path() / "q.db"; }
  std::uintmax_t log_bytes() const { return std::filesystem::file_size(file().string() + "-wal"); }

  static Result<std::vector<EntryError>> send(Queue& queue, const std::string& body,
                                              milliseconds delay = {}) {
    const OutgoingMessage message{body, delay};
    return queue.send(std::span(&message, 1));
  }
  static std::vector<Delivery> receive(Queue& queue, milliseconds visibility = seconds{30},
                                       milliseconds wait = {}, std::size_t count_max = 100) {
    return queue.receive(count_max, visibility, wait).value();
  }
  static void ack_all(Queue& queue, const std::vector<Delivery>& deliveries) {
    std::vector<Receipt> receipts;
    for (const auto& delivery : deliveries) receipts.push_back(delivery.receipt);
    ASSERT_TRUE(queue.ack(receipts));
  }

  TempDir directory_;
  ManualClock clock_;
  SystemClock system_clock_;
  std::atomic<int> lines_ = 0;
  Log log_{LogLevel::kInfo, LogFormat::kText, [this](std::string_view) { ++lines_; }};
};

TEST_F(SqliteQueueTest, RefusesANameThatCannotBeAFileName) {
  for (const auto* name : {"", "a/b", "..", "a b"}) {
    const auto opened = try_open(clock_, name);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, Errc::kInvalid);
  }
}

TEST_F(SqliteQueueTest, RefusesAFileOfANewerVersion) {
  open().reset();
  {
    auto db = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    ASSERT_TRUE(db.execute("PRAGMA user_version=2"));
  }
  const auto opened = try_open(clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
  EXPECT_THAT(opened.error().message, HasSubstr("newer version (format 2"));
}

TEST_F(SqliteQueueTest, RefusesADatabaseThatIsNoQueueAndLeavesItAlone) {
  {
    auto db = sqlite::Connection::open(file(), sqlite::Access::kCreate).value();
    ASSERT_TRUE(db.execute("CREATE TABLE theirs(a)"));
  }
  const auto opened = try_open(clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kInvalid);
  auto db = sqlite::Connection::open(file(), sqlite::Access::kRead).value();
  EXPECT_EQ(db.integer("SELECT count(*) FROM sqlite_schema").value(), 1);
}

TEST_F(SqliteQueueTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(file()) << std::string(5'000, 'x');
  const auto opened = try_open(clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

TEST_F(SqliteQueueTest, SaysWhichDirectoryIsNotThere) {
  const auto opened =
      SqliteQueue::open({.directory = directory_.path() / "absent", .name = "q"}, clock_, log_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kUnavailable);
  EXPECT_THAT(opened.error().message, HasSubstr("absent"));
}

TEST_F(SqliteQueueTest, CreatesFilesThatOnlyTheirOwnerReads) {
  const auto queue = open();
  ASSERT_TRUE(send(*queue, "secret"));
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    struct stat status{};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600) << entry.path();
  }
}

TEST_F(SqliteQueueTest, ManyMayOpenANewQueueAtOnce) {
  std::atomic<int> opened = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto queue = try_open(clock_);
      ASSERT_TRUE(queue) << queue.error().message;
      const auto sent = send(**queue, "x");
      ASSERT_TRUE(sent) << sent.error().message;
      ++opened;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(opened, 8);
  EXPECT_EQ(open()->depth().value().visible, 8);
}

TEST_F(SqliteQueueTest, AStepBackOfTheClockHidesNoMessageForLongerThanItsTimeout) {
  const auto queue = open();
  ASSERT_TRUE(send(*queue, "taken"));
  ASSERT_TRUE(send(*queue, "delayed", seconds{20}));
  ASSERT_THAT(receive(*queue, seconds{30}), SizeIs(1));

  clock_.step_wall(-hours{3});
  EXPECT_THAT(receive(*queue), IsEmpty());
  clock_.advance(seconds{20});
  EXPECT_THAT(receive(*queue), SizeIs(1));
  clock_.advance(seconds{10});
  EXPECT_THAT(receive(*queue), SizeIs(1));
  EXPECT_EQ(lines_, 1);
}

TEST_F(SqliteQueueTest, AStepBackDuringAFullDiskIsMadeGoodAfterwards) {
  FaultyDisk disk;
  const auto queue = open();
  ASSERT_TRUE(send(*queue, "taken"));
  ASSERT_THAT(receive(*queue, seconds{30}), SizeIs(1));
  clock_.step_wall(-hours{3});
  disk.is_full = true;
  EXPECT_FALSE(queue->receive(1, seconds{30}, {}));

  disk.is_full = false;
  EXPECT_THAT(receive(*queue), IsEmpty());
  clock_.advance(seconds{30});
  EXPECT_THAT(receive(*queue), SizeIs(1));
}

TEST_F(SqliteQueueTest, AStepBackWhileNobodyRanIsSeenByOpen) {
  {
    const auto queue = open();
    ASSERT_TRUE(send(*queue, "taken"));
    ASSERT_THAT(receive(*queue, seconds{30}), SizeIs(1));
  }
  clock_.step_wall(-hours{24 * 365});
  const auto queue = open();
  EXPECT_THAT(receive(*queue), IsEmpty());
  clock_.advance(seconds{30});
  EXPECT_THAT(receive(*queue), SizeIs(1));
}

TEST_F(SqliteQueueTest, AStepBackKeepsAgesAboveZero) {
  const auto queue = open();
  ASSERT_TRUE(send(*queue, "visible"));
  clock_.step_wall(-hours{3});
  EXPECT_THAT(receive(*queue), SizeIs(1));
  EXPECT_GE(queue->depth().value().oldest_age, milliseconds{0});
}

TEST_F(SqliteQueueTest, AWaitEndsWhenAMessageIsSent) {
  const auto queue = try_open(system_clock_).value();
  std::thread sender([&] { ASSERT_TRUE(send(*queue, "x")); });
  EXPECT_THAT(receive(*queue, seconds{30}, seconds{60}), SizeIs(1));
  sender.join();
}

TEST_F(SqliteQueueTest, AWaitEndsWhenAnotherConnectionSends) {
  const auto queue = try_open(system_clock_).value();
  const auto other = try_open(system_clock_).value();
  std::thread sender([&] { ASSERT_TRUE(send(*other, "x")); });
  EXPECT_THAT(receive(*queue, seconds{30}, seconds{60}), SizeIs(1));
  sender.join();
}

TEST_F(SqliteQueueTest, AWaitEndsWhenAMessageBecomesVisible) {
  const auto queue = try_open(system_clock_).value();
  ASSERT_TRUE(send(*queue, "x", milliseconds{60}));
  EXPECT_THAT(receive(*queue), IsEmpty());
  EXPECT_THAT(receive(*queue, seconds{30}, seconds{60}), SizeIs(1));
}

TEST_F(SqliteQueueTest, AWaitForNothingEnds) {
  const auto queue = try_open(system_clock_).value();
  const auto began = system_clock_.mono();
  EXPECT_THAT(receive(*queue, seconds{30}, milliseconds{60}), IsEmpty());
  EXPECT_GE(system_clock_.mono() - began, milliseconds{60});
}

TEST_F(SqliteQueueTest, ADeliveryStaysHiddenFromOtherConnections) {
  const auto queue = open();
  const auto other = open();
  ASSERT_TRUE(send(*queue, "x"));
  const auto deliveries = receive(*other);
  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_THAT(receive(*queue), IsEmpty());
  ack_all(*queue, deliveries);
  EXPECT_EQ(other->depth().value().in_flight, 0);
}

TEST_F(SqliteQueueTest, AFullDiskIsUnavailableAndEndsByItself) {
  FaultyDisk disk;
  const auto queue = open();
  ASSERT_TRUE(send(*queue, "before"));
  disk.is_full = true;
  const auto failed = send(*queue, "during");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("disk full"));

  disk.is_full = false;
  ASSERT_TRUE(send(*queue, "after"));
  EXPECT_THAT(receive(*queue), SizeIs(2));
}

TEST_F(SqliteQueueTest, AFailedFsyncIsFinal) {
  FaultyDisk disk;
  auto queue = open();
  ASSERT_TRUE(send(*queue, "before"));
  std::string told;
  set_failed_sync_handler([&told](const std::string& what) { told = what; });
  disk.fsync_fails = true;
  EXPECT_FALSE(send(*queue, "during"));
  disk.fsync_fails = false;
  set_failed_sync_handler({});
  EXPECT_THAT(told, HasSubstr("q.db: fsync failed"));

  const auto refused = send(*queue, "after");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("restart needed"));
  EXPECT_FALSE(queue->receive(1, seconds{1}, {}));
  EXPECT_FALSE(queue->depth());
  EXPECT_EQ(lines_, 1);

  queue.reset();
  queue = open();
  ASSERT_TRUE(send(*queue, "restarted"));
  EXPECT_GE(receive(*queue).size(), 2);
}

// The log is written back while nobody has time for it, and does not grow meanwhile.
TEST_F(SqliteQueueTest, TheLogStaysSmallWhateverGoesThrough) {
  const auto queue = open();
  const std::vector<OutgoingMessage> messages(50, {std::string(20'000, 'x'), {}});
  std::uintmax_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue->send(messages));
    if (i % 2 == 0) ack_all(*queue, receive(*queue));
    largest = std::max(largest, log_bytes());
  }
  EXPECT_LT(largest, 32u << 20) << "100 MB went through";
}

TEST_F(SqliteQueueTest, GivesTheSpaceOfABacklogBack) {
  auto queue = open();
  const std::vector<OutgoingMessage> messages(50, {std::string(20'000, 'x'), {}});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(queue->send(messages));
  queue.reset();
  ASSERT_GT(std::filesystem::file_size(file()), 45'000'000);

  queue = open();
  for (auto some = receive(*queue); !some.empty(); some = receive(*queue)) ack_all(*queue, some);
  for (int i = 0; i < 70; ++i) {
    ASSERT_TRUE(send(*queue, "little"));
    ack_all(*queue, receive(*queue));
  }
  ASSERT_TRUE(send(*queue, "kept"));
  queue.reset();
  EXPECT_LT(std::filesystem::file_size(file()), 5'000'000);
  EXPECT_THAT(receive(*open()), SizeIs(1));
}

TEST_F(SqliteQueueTest, KeepsTheNewestDeadLetters) {
  const auto queue = open();
  std::vector<OutgoingMessage> messages;
  for (int i = 0; i < 10'010; ++i) messages.push_back({std::to_string(i), {}});
  ASSERT_TRUE(queue->send(messages));
  for (const auto& delivery : receive(*queue, seconds{30}, {}, messages.size())) {
    ASSERT_TRUE(queue->bury(delivery.receipt, {delivery.body, "why"}));
  }
  EXPECT_EQ(queue->depth().value().dead, 10'000);
  EXPECT_EQ(queue->dead_letters(1).value().at(0).body, "10009");
}

TEST_F(SqliteQueueTest, BringsDeadLettersBack) {
  const auto queue = open();
  std::multiset<std::string> bodies;
  for (int i = 0; i < 250; ++i) {
    bodies.insert(std::to_string(i) + std::string("\0\xff", 2));
    ASSERT_TRUE(send(*queue, *bodies.rbegin()));
  }
  bodies.clear();
  const auto before = receive(*queue, seconds{30}, {}, 1'000);
  for (const auto& delivery : before) {
    bodies.insert(delivery.body);
    ASSERT_TRUE(queue->bury(delivery.receipt, {delivery.body, "why"}));
  }
  ASSERT_TRUE(send(*queue, "alive"));
  EXPECT_EQ(queue->redrive().value(), 250u);
  EXPECT_EQ(queue->depth().value().dead, 0);
  ASSERT_TRUE(queue->ack(std::vector{before[0].receipt})) << "void, and of no effect";
  std::multiset<std::string> back;
  for (const auto& delivery : receive(*queue, seconds{30}, {}, 1'000)) back.insert(delivery.body);
  bodies.insert("alive");
  EXPECT_EQ(back, bodies);
  EXPECT_EQ(queue->redrive().value(), 0u);
}

// As earlier versions wrote it: their messages are good, however often they were received.
TEST_F(SqliteQueueTest, OpensFilesThatDoNotCountFailures) {
  ASSERT_TRUE(send(*open(), "old"));
  {
    auto db = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    ASSERT_TRUE(
        db.execute("UPDATE messages SET receive_count = 9;"
                   "ALTER TABLE messages DROP COLUMN failures;"
                   "ALTER TABLE messages DROP COLUMN is_open"));
  }
  const auto queue =
      SqliteQueue::open({.directory = directory_.path(), .name = "q", .receives_max = 2}, clock_,
                        log_)
          .value();
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(receive(*queue, seconds{1}), SizeIs(1)) << i;
    clock_.advance(seconds{2});
  }
  EXPECT_THAT(receive(*queue), IsEmpty());
  EXPECT_EQ(queue->depth().value().dead, 1);
}

// A sender and two receivers, each a process of its own.
TEST_F(SqliteQueueTest, ProcessesShareAQueue) {
  constexpr int kMessages = 400;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::vector<pid_t> children;
  for (int c = 0; c < 2; ++c) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    const auto queue = try_open(system_clock_).value();
    while (true) {
      for (const auto& delivery : receive(*queue, seconds{600}, seconds{60}, 3)) {
        const int number = std::stoi(delivery.body);
        if (!queue->ack(std::span(&delivery.receipt, 1))) _exit(1);
        if (write(ends[1], &number, sizeof number) != sizeof number) _exit(1);
      }
    }
  }
  close(ends[1]);
  const auto queue = try_open(system_clock_).value();
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(send(*queue, std::to_string(i)));
  std::multiset<int> received;
  for (int i = 0; i < kMessages; ++i) {
    int number = 0;
    ASSERT_EQ(read(ends[0], &number, sizeof number), sizeof number);
    received.insert(number);
  }
  for (const auto child : children) {
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }
  close(ends[0]);
  EXPECT_THAT(received, SizeIs(kMessages));
  EXPECT_THAT(std::set<int>(received.begin(), received.end()), SizeIs(kMessages));
}

}  // namespace
}  // namespace ia
