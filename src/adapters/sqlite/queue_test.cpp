// What is particular to the embedded queue; tests/queue_contract_test.cpp holds the rest.
#include "adapters/sqlite/queue.h"

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

#include "base/failed_sync.h"
#include "base/sqlite.h"
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

// Rows that the disk changes while nothing looks.
class DamagedQueueTest : public SqliteQueueTest {
 protected:
  const std::vector<std::string> bodies_{
      R"({"influencer_id": 1234567})",
      R"({"version":1,"epoch":4,"shard":17,"shards":1000,"influencers":"1"})",
      std::string("IAB1\0\x80\xff\x01 a batch", 16)};

  // What came out of the queue in the end, and how much of it is among the dead letters.
  struct Outcome {
    std::multiset<std::string> delivered;
    std::size_t dead = 0;
    bool is_refused = false;  // the queue says that its file is damaged
  };
  Outcome drain(Queue& queue) {
    Outcome outcome;
    for (int i = 0; i < 3; ++i) {
      const auto deliveries = queue.receive(10, seconds{30}, {});
      outcome.is_refused = !deliveries;
      if (outcome.is_refused) return outcome;
      std::vector<Receipt> receipts;
      for (const auto& delivery : *deliveries) {
        outcome.delivered.insert(delivery.body);
        receipts.push_back(delivery.receipt);
      }
      outcome.is_refused = !queue.ack(receipts);
      if (outcome.is_refused) return outcome;
    }
    const auto letters = queue.dead_letters(10);
    outcome.is_refused = !letters;
    outcome.dead = letters ? letters->size() : 0;
    return outcome;
  }
  std::string intact_file() {
    {
      auto queue = open();
      for (const auto& body : bodies_) EXPECT_TRUE(send(*queue, body));
    }
    auto db = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    EXPECT_TRUE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Whether anything is said of the damage. Nothing that was not sent comes out, and what was sent
  // either does or is among the dead letters, unless the queue refuses its file.
  bool is_told(const std::string& bytes, std::size_t at) {
    put_file(bytes);
    const auto queue = try_open(clock_);
    if (!queue) return true;
    const auto outcome = drain(**queue);
    for (const auto& body : outcome.delivered) {
      EXPECT_THAT(bodies_, ::testing::Contains(body)) << "at " << at;
    }
    if (outcome.is_refused) return true;
    const std::set<std::string> distinct(outcome.delivered.begin(), outcome.delivered.end());
    EXPECT_GE(distinct.size() + outcome.dead, bodies_.size()) << "at " << at;
    return outcome.dead > 0;
  }
  void put_file(const std::string& bytes) {
    for (const auto* suffix : {"-wal", "-shm"}) std::filesystem::remove(file().string() + suffix);
    std::ofstream(file(), std::ios::binary) << bytes;
  }
};

TEST_F(DamagedQueueTest, AFlippedByteOfABodysRowIsToldAndNeverDelivered) {
  const auto intact = intact_file();
  std::size_t first = intact.size();
  std::size_t last = 0;
  for (const auto& body : bodies_) {
    const auto at = intact.find(body);
    ASSERT_NE(at, intact.npos);
    first = std::min(first, at - 9);
    last = std::max(last, at + body.size() + 8);
  }
  std::size_t noticed = 0;
  for (auto at = first; at < last; ++at) {
    const bool is_body = std::ranges::any_of(bodies_, [&](const auto& body) {
      const auto begin = intact.find(body);
      return begin <= at && at < begin + body.size();
    });
    // What says how long a row's parts are, bit by bit.
    for (std::size_t bit = is_body ? at % 8 : 0; bit < (is_body ? at % 8 + 1 : 8); ++bit) {
      auto bytes = intact;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      noticed += is_told(bytes, at - first) ? 1u : 0u;
    }
  }
  EXPECT_GT(noticed, bodies_[0].size() + bodies_[1].size() + bodies_[2].size());
}

TEST_F(DamagedQueueTest, AFlippedBitOfAMessagesRowCostsNoMessage) {
  auto queue = SqliteQueue::open(
                   {.directory = directory_.path(), .name = "q", .receives_max = 5}, clock_, log_)
                   .value();
  auto disk = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
  for (const std::string column :
       {"id", "visible_at", "timeout_ms", "receive_count", "sent_at", "failures", "is_open",
        "sum"}) {
    for (const int bit : {0, 9, 18, 27, 36, 45, 54, 62}) {
      ASSERT_TRUE(send(*queue, bodies_[0]));
      const auto flip = std::to_string(std::int64_t{1} << bit);
      const auto change = "UPDATE messages SET " + column + " = (" + column + " | " + flip +
                          ") - (" + column + " & " + flip + ")";
      ASSERT_TRUE(disk.execute(change.c_str()));
      clock_.advance(std::chrono::minutes{2});
      const auto outcome = drain(*queue);
      const auto where = column + " " + std::to_string(bit);
      ASSERT_FALSE(outcome.is_refused) << where;
      EXPECT_EQ(outcome.delivered.count(bodies_[0]) + outcome.dead, 1 + (column == "id" ? 1 : 0))
          << where << ": of a changed id, its body comes again and the rest is a dead letter";
      ASSERT_TRUE(disk.execute("DELETE FROM bodies; DELETE FROM dead; DELETE FROM messages"));
    }
  }
}

TEST_F(DamagedQueueTest, ABodyWithoutAMessageIsSentAgainByTheNextStart) {
  (void)intact_file();
  auto disk = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
  ASSERT_TRUE(disk.execute("DELETE FROM messages WHERE id = 2"));
  const auto outcome = drain(*open());
  EXPECT_THAT(outcome.delivered, ::testing::UnorderedElementsAreArray(bodies_));
  EXPECT_EQ(outcome.dead, 0u);
}

TEST_F(DamagedQueueTest, RedriveTakesADamagedBodyAsItIs) {
  (void)intact_file();
  {
    auto disk = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    ASSERT_TRUE(disk.execute("UPDATE bodies SET body = x'41' WHERE id = 1"));
  }
  auto queue = open();
  EXPECT_EQ(drain(*queue).dead, 1u);
  EXPECT_THAT(queue->dead_letters(1)->front().reason, HasSubstr("damaged on the disk"));
  EXPECT_EQ(queue->redrive().value(), 1u);
  EXPECT_THAT(drain(*queue).delivered, ::testing::ElementsAre("A"));
}

// As an older program leaves them, which knows no sums.
TEST_F(DamagedQueueTest, BodiesWithoutASumAreDelivered) {
  (void)intact_file();
  {
    auto disk = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    ASSERT_TRUE(disk.execute("UPDATE messages SET sum = NULL"));
  }
  EXPECT_THAT(drain(*open()).delivered, ::testing::UnorderedElementsAreArray(bodies_));
  {
    auto disk = sqlite::Connection::open(file(), sqlite::Access::kWrite).value();
    ASSERT_TRUE(disk.execute("ALTER TABLE messages DROP COLUMN sum"));
  }
  auto queue = open();
  ASSERT_TRUE(send(*queue, "later"));
  EXPECT_THAT(drain(*queue).delivered, ::testing::ElementsAre("later"));
}

}  // namespace
}  // namespace ia
