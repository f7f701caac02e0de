#include "app/process/lock_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "app/process/child_process.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A process that takes a lock, says so, and then waits to be killed.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& dir) {
    int ends[2];
    if (pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      const auto lock = LockFile::acquire(dir, "sink");
      const char said = lock ? 'y' : 'n';
      if (write(ends[1], &said, 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    close(ends[1]);
    char said = 'n';
    holds_ = read(ends[0], &said, 1) == 1 && said == 'y';
    close(ends[0]);
  }
  ~Holder() { kill_it(); }

  bool holds() const { return holds_; }
  pid_t pid() const { return pid_; }
  void kill_it() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  bool holds_ = false;
};

TEST(LockFile, RefusesASecondProcessAndNamesTheFirst) {
  TempDir dir;
  const Holder other(dir.path());
  ASSERT_TRUE(other.holds());

  const auto second = LockFile::acquire(dir.path(), "sink");

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr(dir.path()), HasSubstr(std::to_string(other.pid())),
                    HasSubstr("app_test"), HasSubstr("--data-dir")));
}

TEST(LockFile, IsFreeWhenItsProcessWasKilled) {
  TempDir dir;
  Holder other(dir.path());
  ASSERT_TRUE(other.holds());
  other.kill_it();

  EXPECT_TRUE(LockFile::acquire(dir.path(), "sink").has_value());
}

TEST(LockFile, StagesDoNotExcludeEachOther) {
  TempDir dir;
  const auto sink = LockFile::acquire(dir.path(), "sink");

  EXPECT_TRUE(LockFile::acquire(dir.path(), "api").has_value());
  EXPECT_FALSE(LockFile::acquire(dir.path(), "sink").has_value());
}

TEST(LockFile, IsFreeAfterItsScope) {
  TempDir dir;
  {
    const auto lock = LockFile::acquire(dir.path(), "sink");
  }

  EXPECT_TRUE(LockFile::acquire(dir.path(), "sink").has_value());
}

TEST(LockFile, MovesWithItsOwner) {
  TempDir dir;
  auto first = LockFile::acquire(dir.path(), "sink");
  auto owner = std::make_unique<LockFile>(*std::move(first));

  EXPECT_FALSE(LockFile::acquire(dir.path(), "sink").has_value());
  owner.reset();
  EXPECT_TRUE(LockFile::acquire(dir.path(), "sink").has_value());
}

TEST(LockFile, FilesAndDirectoriesAreOfTheOwnerAloneWhateverTheUmask) {
  for (const mode_t mask : {0U, 022U, 0777U}) {
    TempDir dir;
    const auto before = umask(mask);
    const auto lock = LockFile::acquire(dir.path() / "data", "sink");
    const auto trailing = make_data_directory(dir.path() / "other" / "");
    umask(before);
    ASSERT_TRUE(lock.has_value());
    ASSERT_TRUE(trailing.has_value());
    const auto mode_of = [&](const char* name) {
      return std::filesystem::status(dir.path() / name).permissions();
    };
    using std::filesystem::perms;
    EXPECT_EQ(mode_of("data"), perms::owner_all) << mask;
    EXPECT_EQ(mode_of("other"), perms::owner_all) << mask;
    EXPECT_EQ(mode_of("data/sink.lock"), perms::owner_read | perms::owner_write) << mask;
  }
}

TEST(LockFile, MakesTheDirectory) {
  TempDir dir;
  EXPECT_TRUE(LockFile::acquire(dir.path() / "a" / "b", "sink").has_value());
}

TEST(LockFile, SaysWhyADirectoryIsOfNoUse) {
  TempDir dir;
  const auto file = dir.path() / "file";
  std::ofstream(file) << "x";
  const auto lock = LockFile::acquire(file, "sink");

  ASSERT_FALSE(lock.has_value());
  EXPECT_EQ(lock.error().code, Errc::kInvalid);
  EXPECT_THAT(lock.error().message, HasSubstr(file));
}

// Not a test: what the child, this program once more, is to do.
TEST(DISABLED_LockFile, SaysItsOwnCommand) {
  TempDir dir;
  const auto lock = LockFile::acquire(dir.path(), "sink");
  std::puts(holder_of(dir.path(), "sink").value().command.c_str());
}

TEST(LockFile, NamesTheCommandWithoutItsSecrets) {
  auto child =
      ChildProcess::start({.arguments = {"--postgres-url=postgresql://me:secret@db/x",
                                         "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                                         "--gtest_filter=DISABLED_LockFile.*"},
                           .environment = {},
                           .speaks = true})
          .value();
  std::string line;
  while (line.find("--postgres-url") == std::string::npos) {
    const auto next = child.next_line(std::chrono::seconds(30));
    ASSERT_TRUE(next) << "after: " << line;
    line = *next;
  }
  EXPECT_THAT(line, AllOf(HasSubstr("//me:***@db/x"), Not(HasSubstr("secret"))));
}

TEST(HeldLocks, AreThoseOfRunningProcesses) {
  TempDir dir;
  const Holder other(dir.path());
  {
    const auto released = LockFile::acquire(dir.path(), "api");
  }

  const auto held = held_locks(dir.path());

  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].stage, "sink");
  EXPECT_EQ(held[0].holder.pid, other.pid());
  EXPECT_THAT(held[0].holder.command, HasSubstr("app_test"));
}

TEST(DataDirectory, IsMadeWithThoseAboveIt) {
  const TempDir directory;
  const auto path = directory.path() / "a" / "b";
  ASSERT_TRUE(make_data_directory(path));
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_TRUE(make_data_directory(path)) << "it is there";
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_EQ(make_data_directory(directory.path() / "file" / "c").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace ia
