#include "adapters/sqlite_store_segment.h"

#include <algorithm>
#include <utility>

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kOpenMax = 64;

Status damaged(const std::filesystem::path& file, const char* what) {
  return fail(Errc::kCorrupt, file.string() + ": " + what + ": restore it from a backup");
}

// A statement of ours is wrong only where a table is not there.
Result<sqlite::Statement> prepare(sqlite::Connection& db, const char* sql) {
  auto statement = db.prepare(sql);
  if (statement || statement.error().code != Errc::kInvalid) return statement;
  return std::unexpected(damaged(db.file(), "not a segment").error());
}

// The chunks have checksums of their own; here it is enough that it is the right file.
Status check_about(sqlite::Connection& db, const SegmentInfo& info) {
  auto about = prepare(db, "SELECT format, begin_minute, span, frames_through FROM about");
  if (!about) return std::unexpected(about.error());
  const auto row = about->step();
  if (!row) return std::unexpected(row.error());
  const bool matches = *row && about->integer(0) == 1 &&
                       about->integer(1) == to_number(info.range.begin) &&
                       about->integer(2) == info.span() &&
                       about->integer(3) == static_cast<std::int64_t>(info.frames_through);
  return matches ? Status{} : damaged(db.file(), "not the segment that the catalog names");
}

}  // namespace

SegmentReader::SegmentReader(sqlite::Connection db, sqlite::Statement find, sqlite::Statement walk,
                             const SegmentInfo& info)
    : info_(info), db_(std::move(db)), find_(std::move(find)), walk_(std::move(walk)) {}

Result<SegmentReader> SegmentReader::open(const Files& files, const SegmentInfo& info) {
  const auto file = files.segment(info.name);
  auto db = sqlite::Connection::open(file, sqlite::Access::kImmutable);
  if (!db) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return std::unexpected(db.error());
    return fail(Errc::kNotFound, file.string() + ": the segment is gone");
  }
  if (auto set = db->execute("PRAGMA cache_size=32"); !set) return std::unexpected(set.error());
  if (auto sound = check_about(*db, info); !sound) return std::unexpected(sound.error());
  auto find = prepare(*db, "SELECT data FROM chunk WHERE id = ?1");
  if (!find) return std::unexpected(find.error());
  auto walk = prepare(*db, "SELECT id, data FROM chunk ORDER BY id");
  if (!walk) return std::unexpected(walk.error());
  return SegmentReader(std::move(*db), std::move(*find), std::move(*walk), info);
}

Status SegmentReader::name_file(Status status) const {
  if (status) return status;
  return fail(db_.file().string(), status.error());
}

Result<bool> SegmentReader::read(InfluencerId influencer, Chunk& out) {
  const sqlite::ResetAtEnd reset(find_);
  const auto row = find_.bind(1, to_number(influencer)).step();
  if (!row || !*row) return row;
  const auto decoded = name_file(decode_chunk(find_.blob(0), info_.span(), out));
  if (!decoded) return std::unexpected(decoded.error());
  return true;
}

Result<bool> SegmentReader::read_coverage(InfluencerId influencer, Chunk& out) {
  const sqlite::ResetAtEnd reset(find_);
  const auto row = find_.bind(1, to_number(influencer)).step();
  if (!row || !*row) return row;
  const auto decoded = name_file(decode_chunk_coverage(find_.blob(0), info_.span(), out));
  if (!decoded) return std::unexpected(decoded.error());
  return true;
}

Status SegmentReader::begin_walk() {
  walk_.reset();
  return next();
}

Status SegmentReader::next() {
  const auto row = walk_.step();
  if (!row) return std::unexpected(row.error());
  const auto before = std::exchange(current_, std::nullopt);
  if (!*row) return {};
  const auto id = influencer_at(walk_.integer(0));
  if (before && id <= *before) return damaged(db_.file(), "its order is broken");
  current_ = id;
  return {};
}

Status SegmentReader::decode_current(Chunk& out) {
  return name_file(decode_chunk(walk_.blob(1), info_.span(), out));
}

Result<std::optional<Counts>> SegmentReader::decode_current_value(std::uint32_t offset,
                                                                  Chunk& scratch) {
  auto counts = decode_chunk_value(walk_.blob(1), info_.span(), offset, scratch);
  if (!counts) return fail(db_.file().string(), counts.error());
  return counts;
}

Result<SegmentReader*> SegmentCache::get(const SegmentInfo& info) {
  const auto found =
      std::ranges::find(open_, info.name, [](const auto& reader) { return reader.info().name; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
    return &open_.front();
  }
  auto reader = SegmentReader::open(files_, info);
  if (!reader) return std::unexpected(reader.error());
  open_.push_front(std::move(*reader));
  if (open_.size() > kOpenMax) open_.pop_back();
  return &open_.front();
}

void SegmentCache::forget(const SegmentInfo& info) {
  open_.remove_if([&](const auto& reader) { return reader.info().name == info.name; });
}

SegmentWriter::SegmentWriter(sqlite::Connection db, sqlite::Statement insert,
                             std::filesystem::path draft, std::filesystem::path target)
    : db_(std::move(db)),
      insert_(std::move(insert)),
      draft_(std::move(draft)),
      target_(std::move(target)) {}

SegmentWriter::SegmentWriter(SegmentWriter&& other) noexcept
    : db_(std::exchange(other.db_, std::nullopt)),
      insert_(std::exchange(other.insert_, std::nullopt)),
      draft_(std::exchange(other.draft_, {})),
      target_(std::move(other.target_)) {}

SegmentWriter::~SegmentWriter() {
  insert_.reset();
  db_.reset();
  std::error_code ignored;
  if (!draft_.empty()) std::filesystem::remove(draft_, ignored);
}

Result<SegmentWriter> SegmentWriter::create(const Files& files, const SegmentInfo& info) {
  const auto target = files.segment(info.name);
  const std::filesystem::path draft = target.string() + std::string(kDraftSuffix);
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  auto db = sqlite::Connection::open(draft, sqlite::Access::kCreate);
  if (!db) return std::unexpected(db.error());
  const auto about = "INSERT INTO about VALUES (1, " + std::to_string(to_number(info.range.begin)) +
                     ", " + std::to_string(info.span()) + ", " +
                     std::to_string(info.frames_through) + ")";
  // Durability comes from `finish`; a file that was not finished is thrown away.
  const auto made =
      db->execute(("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-1024; BEGIN; "
                   "CREATE TABLE about(format INTEGER, begin_minute INTEGER, span INTEGER, "
                   "frames_through INTEGER); "
                   "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB NOT NULL); " +
                   about)
                      .c_str());
  if (!made) return std::unexpected(made.error());
  auto insert = db->prepare("INSERT INTO chunk VALUES (?1, ?2)");
  if (!insert) return std::unexpected(insert.error());
  return SegmentWriter(std::move(*db), std::move(*insert), draft, target);
}

Status SegmentWriter::add(InfluencerId influencer, std::string_view chunk) {
  return insert_->bind(1, to_number(influencer)).bind_blob(2, chunk).run();
}

Status SegmentWriter::finish() {
  if (auto committed = db_->execute("COMMIT"); !committed) return committed;
  insert_.reset();
  db_.reset();
  if (auto published = publish(draft_, target_); !published) return published;
  draft_.clear();
  return {};
}

}  // namespace ia::sqlite_store
