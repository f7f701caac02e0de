#include "storage/embedded_store.h"

#include "base/sqlite_pages.h"
#include "storage/housekeeper.h"
#include "storage/reader.h"
#include "storage/replaced.h"
#include "storage/writer.h"

namespace ia {
namespace {

using namespace sqlite_store;

std::unexpected<Error> read_only(const Files& files) {
  return fail(Errc::kInvalid, "store " + files.directory().string() + " was opened read-only");
}

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& directory, Log& log)
      : files_(directory),
        damage_(log, files_.damage_marks()),
        readers_(files_, damage_, gate_.registry) {}

  Status open(const SqliteStoreOptions& options, Log& log) {
    const auto log_file = files_.database().string() + "-wal";
    if (sqlite::is_log_damaged(log_file)) keep_damaged_log(log_file, options.read_only);
    if (options.read_only) {
      if (auto there = check_for_reading(files_); !there) return there;
    } else if (auto opened = open_for_writing(options, log); !opened) {
      return opened;
    }
    return readers_.with([](Reader&) { return Status{}; });
  }

  Result<Registry> registry() const override {
    return readers_.with([](Reader& reader) { return reader.registry(); });
  }

  Status put_registry(const Registry& registry) override {
    return writer_ ? writer_->put_registry(registry) : read_only(files_);
  }

  Result<AppendResult> append(std::span<const PointBatch> batches) override {
    return writer_ ? writer_->append(batches) : read_only(files_);
  }

  Status close_minutes(MinuteRange range, MissReason reason) override {
    return writer_ ? writer_->close_minutes(range, reason) : read_only(files_);
  }

  Result<bool> maintain(const UpkeepTime& time) override {
    return housekeeper_ ? housekeeper_->step(time) : read_only(files_);
  }

  Result<Series> read_series(InfluencerId influencer, MinuteRange range) const override {
    return readers_.with([&](Reader& reader) { return reader.series(influencer, range); });
  }

  Result<std::vector<MissAt>> read_misses(InfluencerId influencer,
                                          std::span<const Minute> minutes) const override {
    return readers_.with([&](Reader& reader) { return reader.misses(influencer, minutes); });
  }

  Result<MinuteColumns> read_minute(Minute minute, const GoOn& go_on) const override {
    return readers_.with([&](Reader& reader) { return reader.minute(minute, go_on); });
  }

  Result<std::vector<RankAt>> read_ranks(InfluencerId influencer, std::span<const Minute> minutes,
                                         const GoOn& go_on) const override {
    return readers_.with([&](Reader& reader) { return reader.ranks(influencer, minutes, go_on); });
  }

  Result<std::vector<MinuteStats>> read_minutes(MinuteRange range) const override {
    return readers_.with([&](Reader& reader) { return reader.minutes(range); });
  }

  Result<Latest> read_latest() const override {
    return readers_.with([](Reader& reader) { return reader.latest(); });
  }

  Result<Tail> read_tail(TailCursor from) const override {
    return readers_.with([&](Reader& reader) { return reader.tail(from); });
  }

  Result<std::vector<Username>> find_usernames(std::string_view prefix,
                                               std::size_t count_max) const override {
    return readers_.with([&](Reader& reader) { return reader.usernames(prefix, count_max); });
  }

  Result<Minute> horizon() const override {
    return readers_.with([](Reader& reader) { return reader.horizon(); });
  }

  Result<StoreSize> size() const override {
    return readers_.with([](Reader& reader) { return reader.size(); });
  }

 private:
  // What SQLite cannot recover is gone with the first write: it is kept beside, for people.
  void keep_damaged_log(const std::filesystem::path& file, bool read_only) {
    const auto kept = files_.quarantine() / file.filename();
    std::error_code error;
    if (!read_only) {
      std::filesystem::create_directories(kept.parent_path(), error);
      std::filesystem::copy_file(file, kept, error);  // the first one is the one to keep
    }
    damage_.note({Minute::min(), Minute::min()}, file.string(),
                 "the newest transactions are damaged: values that were stored last are missing");
  }

  Status open_for_writing(const SqliteStoreOptions& options, Log& log) {
    if (auto prepared = prepare_for_writing(files_); !prepared) return prepared;
    auto writer = Writer::open(files_, gate_, damage_);
    if (!writer) return std::unexpected(writer.error());
    writer_ = std::move(*writer);
    auto housekeeper = Housekeeper::open(files_, gate_, options.retention, log);
    if (!housekeeper) return std::unexpected(housekeeper.error());
    housekeeper_ = std::move(*housekeeper);
    return {};
  }

  const Files files_;
  WriteGate gate_;
  DamageLog damage_;
  mutable ReaderPool readers_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Housekeeper> housekeeper_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteStoreOptions& options, Log& log) {
  if (options.retention.count() < 1) {
    return fail(Errc::kInvalid, "store: the retention must be a day or more");
  }
  auto store = std::make_unique<SqliteStore>(options.directory, log);
  if (auto opened = store->open(options, log); !opened) return std::unexpected(opened.error());
  return store;
}

Status find_sqlite_store(const std::filesystem::path& directory) {
  return sqlite_store::check_for_reading(sqlite_store::Files(directory));
}

Result<std::vector<std::string>> unlisted_segments(const std::filesystem::path& directory) {
  const sqlite_store::Files files(directory);
  if (auto there = sqlite_store::check_for_reading(files); !there) {
    return std::unexpected(there.error());
  }
  auto db = sqlite_store::open_database(files, sqlite::Access::kRead, 1024);
  if (!db) return std::unexpected(db.error());
  return sqlite_store::unlisted_files(files, *db);
}

}  // namespace ia
