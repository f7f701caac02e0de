#include "app/process/scratch_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "testing/temp_dir.h"

namespace ia {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScratchDirectoryTest : public ::testing::Test {
 protected:
  ScratchDirectoryTest() { setenv("TMPDIR", place_.path().c_str(), 1); }
  ~ScratchDirectoryTest() override {
    if (before_.empty()) {
      unsetenv("TMPDIR");
    } else {
      setenv("TMPDIR", before_.c_str(), 1);
    }
  }

  // As a process leaves it that was killed: its lock is free, all else is there.
  fs::path orphan(const char* random) {
    auto path = place_.path() / (std::string("influencer-analytics.") + random);
    fs::create_directory(path);
    (void)LockFile::acquire_first(path, "scratch");
    fs::create_directory(path / "segments");
    std::ofstream(path / "segments" / "hour.db") << "x";
    return path;
  }

  const std::string before_ = getenv("TMPDIR") == nullptr ? "" : getenv("TMPDIR");
  TempDir place_;
};

TEST_F(ScratchDirectoryTest, GoesWithItsScope) {
  fs::path path;
  {
    const auto made = ScratchDirectory::make();
    ASSERT_TRUE(made.has_value());
    path = made->path();
    std::ofstream(path / "file") << "x";
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ScratchDirectoryTest, GoesWithASignal) {
  const auto made = ScratchDirectory::make();
  ASSERT_TRUE(made.has_value());
  UnfinishedPath::discard_all();
  EXPECT_FALSE(fs::exists(made->path()));
}

TEST_F(ScratchDirectoryTest, ThoseOfDeadProcessesAreRemoved) {
  const auto dead = orphan("aB3dE6");
  EXPECT_THAT(remove_orphaned_scratch_directories(), ElementsAre(dead));
  EXPECT_FALSE(fs::exists(dead));
}

TEST_F(ScratchDirectoryTest, ThatOfALivingProcessStays) {
  const auto made = ScratchDirectory::make();
  ASSERT_TRUE(made.has_value());
  EXPECT_THAT(remove_orphaned_scratch_directories(), IsEmpty());
  EXPECT_TRUE(fs::exists(made->path()));
}

TEST_F(ScratchDirectoryTest, OneInWhichAStageRunsStays) {
  const auto used = orphan("aaaaaa");
  const auto below = orphan("bbbbbb");
  const auto sink = LockFile::acquire(used, "sink");
  const auto fetch = LockFile::acquire(below / "fetch-0", "fetch");
  EXPECT_THAT(remove_orphaned_scratch_directories(), IsEmpty());
  EXPECT_TRUE(fs::exists(used / "segments" / "hour.db"));
}

TEST_F(ScratchDirectoryTest, WhatOnlyLooksLikeOneStays) {
  const auto target = orphan("longer-name");
  const auto without_lock = place_.path() / "influencer-analytics.abcdef";
  fs::create_directory(without_lock);
  std::ofstream(without_lock / "store.db") << "x";
  const auto link = place_.path() / "influencer-analytics.linkto";
  fs::create_directory_symlink(target, link);
  EXPECT_THAT(remove_orphaned_scratch_directories(), IsEmpty());
  EXPECT_TRUE(fs::exists(target / "segments" / "hour.db"));
  EXPECT_TRUE(fs::exists(without_lock / "store.db"));
}

TEST_F(ScratchDirectoryTest, ATmpdirThatIsNotThereIsAnError) {
  setenv("TMPDIR", "/no/such/place", 1);
  const auto made = ScratchDirectory::make();
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().message, HasSubstr("/no/such/place is not a directory"));
  EXPECT_THAT(remove_orphaned_scratch_directories(), IsEmpty());
}

}  // namespace
}  // namespace ia
