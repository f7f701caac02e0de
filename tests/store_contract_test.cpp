// The store contract over the stores that need no server.

#include "store_contract_time.h"

#include "storage/embedded_store.h"
#include "testing/memory_store.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

class MemoryHarness final : public Harness {
 public:
  Store& store() override { return store_; }

 private:
  MemoryStore store_{{.retention = kRetention}};
};

class SqliteHarness final : public Harness {
 public:
  SqliteHarness() { reopen(); }
  Store& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    store_ =
        open_sqlite_store({.directory = directory_.path(), .retention = kRetention}, log_).value();
  }

 private:
  TempDir directory_;
  Log log_{LogLevel::kError, LogFormat::kText, [](std::string_view) {}};
  std::unique_ptr<Store> store_;
};

std::unique_ptr<Harness> make_memory() { return std::make_unique<MemoryHarness>(); }
std::unique_ptr<Harness> make_sqlite() { return std::make_unique<SqliteHarness>(); }

INSTANTIATE_TEST_SUITE_P(
    All, StoreContract,
    ::testing::Values(Contract{"Memory", make_memory, Upkeep::kNone},
                      Contract{"Sqlite", make_sqlite, Upkeep::kNone},
                      Contract{"SqliteKeptTidy", make_sqlite, Upkeep::kHousekeeping},
                      Contract{"SqliteReopened", make_sqlite, Upkeep::kReopening}),
    name_of_contract);

}  // namespace
}  // namespace ia
