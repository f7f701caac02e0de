#include <gtest/gtest.h>

#include "storage/embedded_store.h"
#include "testing/store_life.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

TEST(SqliteStoreModel, AnswersLikeTheObviouslyRightOne) {
  for (int round = 0; round < 2; ++round) {
    const TempDir directory;
    Log log{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
    const auto open = [&] {
      return open_sqlite_store({.directory = directory.path(), .retention = kStoreLifeRetention},
                               log)
          .value();
    };
    live_through_random_days(open, 600);
  }
}

}  // namespace
}  // namespace ia
