#include "app/process/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "testing/temp_dir.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct stat info_of(const fs::path& path) {
  struct stat info{};
  lstat(path.c_str(), &info);
  return info;
}

std::size_t files_in(const fs::path& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), {}));
}

Status put(const fs::path& path, std::string_view text) {
  auto file = OutputFile::open(path);
  if (!file) return std::unexpected(file.error());
  if (auto written = file->write(text); !written) return written;
  return file->finish();
}

TEST(OutputFile, HasItsNameOnceItIsWhole) {
  TempDir dir;
  const auto path = dir.path() / "x.csv";
  {
    auto file = OutputFile::open(path);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(file->write("a\n").has_value());
    EXPECT_FALSE(fs::exists(path));
    ASSERT_TRUE(file->finish().has_value());
  }
  EXPECT_EQ(content_of(path), "a\n");
  EXPECT_EQ(files_in(dir.path()), 1u);
}

TEST(OutputFile, LeavesTheOldContentWhenItIsNotFinished) {
  TempDir dir;
  const auto path = dir.path() / "x.csv";
  std::ofstream(path) << "old";
  {
    auto file = OutputFile::open(path);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(file->write("new").has_value());
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(files_in(dir.path()), 1u);
}

TEST(OutputFile, ASignalRemovesWhatIsUnfinished) {
  TempDir dir;
  auto file = OutputFile::open(dir.path() / "x.csv");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(files_in(dir.path()), 1u);
  UnfinishedPath::discard_all();
  EXPECT_EQ(files_in(dir.path()), 0u);
}

TEST(OutputFile, KeepsTheModeOfTheFileThatItReplaces) {
  TempDir dir;
  const auto path = dir.path() / "x.csv";
  for (const mode_t mode : {0600U, 0644U, 0664U}) {
    std::ofstream(path) << "old";
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    ASSERT_TRUE(put(path, "new").has_value());
    EXPECT_EQ(info_of(path).st_mode & 07777, mode);
  }
}

TEST(OutputFile, AFileOfSomebodyElseBesideItIsLeftAlone) {
  TempDir dir;
  const auto other = dir.path() / "x.csv.part";
  std::ofstream(other) << "theirs";
  ASSERT_TRUE(put(dir.path() / "x.csv", "ours").has_value());
  EXPECT_EQ(content_of(other), "theirs");
}

TEST(OutputFile, FollowsLinksAlsoToWhatIsNotThereYet) {
  TempDir dir;
  fs::create_directory(dir.path() / "below");
  const auto real = dir.path() / "below" / "real.csv";
  const auto link = dir.path() / "link.csv";
  fs::create_symlink("below/real.csv", link);
  fs::create_symlink("link.csv", dir.path() / "link to it.csv");
  for (const auto* text : {"first", "second"}) {
    ASSERT_TRUE(put(dir.path() / "link to it.csv", text).has_value());
    EXPECT_EQ(content_of(real), text);
    EXPECT_TRUE(S_ISLNK(info_of(link).st_mode));
  }
  EXPECT_EQ(files_in(dir.path() / "below"), 1u);
}

TEST(OutputFile, WritesIntoADeviceAndLeavesIt) {
  TempDir dir;
  const auto link = dir.path() / "null";
  fs::create_symlink("/dev/null", link);
  for (const auto& path : {fs::path("/dev/null"), link}) {
    ASSERT_TRUE(put(path, "x").has_value());
    EXPECT_TRUE(S_ISCHR(info_of("/dev/null").st_mode));
  }
  EXPECT_TRUE(S_ISLNK(info_of(link).st_mode));
}

TEST(OutputFile, WritesIntoAPipeAndLeavesIt) {
  TempDir dir;
  const auto path = dir.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = content_of(path); });
  EXPECT_TRUE(put(path, "through").has_value());
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(S_ISFIFO(info_of(path).st_mode));
}

TEST(OutputFile, KeepsAllNamesOfAFile) {
  TempDir dir;
  std::ofstream(dir.path() / "a") << "old and long";
  fs::create_hard_link(dir.path() / "a", dir.path() / "b");
  ASSERT_TRUE(put(dir.path() / "a", "new").has_value());
  EXPECT_EQ(content_of(dir.path() / "b"), "new");
}

TEST(OutputFile, AnOpenFileIsWrittenInto) {
  TempDir dir;
  const auto path = dir.path() / "open";
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (const auto* folder : {"/proc/self/fd/", "/dev/fd/"}) {
    ASSERT_TRUE(put(folder + std::to_string(descriptor), "x").has_value());
    EXPECT_EQ(lseek(descriptor, 0, SEEK_END), 1) << folder;
    ASSERT_EQ(ftruncate(descriptor, 0), 0);
  }
  close(descriptor);
}

TEST(OutputFile, SaysWhyItCannotBeWritten) {
  TempDir dir;
  EXPECT_THAT(put(dir.path(), "").error().message,
              AllOf(HasSubstr(dir.path().string()), HasSubstr("it is a directory")));
  EXPECT_THAT(put(dir.path() / "none" / "x", "").error().message, HasSubstr("No such file"));
  EXPECT_THAT(put(dir.path() / "line\nfeed" / "x", "").error().message, HasSubstr("line\\nfeed"));
  EXPECT_THAT(put("/dev/full", "x").error().message, HasSubstr("No space left"));
  fs::create_symlink("round", dir.path() / "round");
  EXPECT_THAT(put(dir.path() / "round", "").error().message, HasSubstr("symbolic links"));
}

}  // namespace
}  // namespace ia
