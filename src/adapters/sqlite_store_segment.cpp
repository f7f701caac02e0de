#include "adapters/sqlite_store_segment.h"

#include <algorithm>
#include <utility>

namespace ia::sqlite_store {
namespace {

constexpr std::size_t kOpenMax = 64;
// So that the upper levels of a part's tree stay in memory.
constexpr std::size_t kCachePagesMin = 32;
constexpr std::size_t kCachePagesAPart = 8;

Status damaged(const std::filesystem::path& file, const char* what) {
  return fail(Errc::kCorrupt, file.string() + ": " + what + ": restore it from a backup");
}

// A statement of ours is wrong only where a table is not there.
Result<sqlite::Statement> prepare(sqlite::Connection& db, std::string_view sql) {
  auto statement = db.prepare(sql);
  if (statement || statement.error().code != Errc::kInvalid) return statement;
  return std::unexpected(damaged(db.file(), "not a segment").error());
}

// The chunks have checksums of their own; here it is enough that it is the right file.
Result<SegmentFormat> check_about(sqlite::Connection& db, const SegmentInfo& info) {
  auto about = prepare(db, "SELECT format, begin_minute, span, frames_through FROM about");
  if (!about) return std::unexpected(about.error());
  const auto row = about->step();
  if (!row) return std::unexpected(row.error());
  const auto format = *row ? about->integer(0) : 0;
  const bool is_known = format == static_cast<int>(SegmentFormat::kWhole) ||
                        format == static_cast<int>(SegmentFormat::kHours);
  const bool matches = is_known && about->integer(1) == to_number(info.range.begin) &&
                       about->integer(2) == (info.range.end - info.range.begin).count() &&
                       about->integer(3) == static_cast<std::int64_t>(info.frames_through);
  if (matches) return static_cast<SegmentFormat>(format);
  return std::unexpected(damaged(db.file(), "not the segment that the catalog names").error());
}

std::string table_of(SegmentFormat format, std::size_t part) {
  return format == SegmentFormat::kWhole ? "chunk" : "chunk_" + std::to_string(part);
}

}  // namespace

SegmentPart part_of(const SegmentInfo& info, SegmentFormat format, Minute minute) {
  if (format == SegmentFormat::kWhole) return {.range = info.range};
  constexpr std::chrono::hours kHour{1};
  const auto index = (minute - info.range.begin) / kHour;
  const auto begin = info.range.begin + index * kHour;
  return {.range = {begin, std::min(begin + kHour, info.range.end)},
          .index = static_cast<std::size_t>(index)};
}

SegmentReader::SegmentReader(sqlite::Connection db, const SegmentInfo& info, SegmentFormat format)
    : info_(info), format_(format), db_(std::move(db)) {
  find_.resize(part_of(info.range.end - std::chrono::minutes{1}).index + 1);
}

Result<SegmentReader> SegmentReader::open(const Files& files, const SegmentInfo& info) {
  const auto file = files.segment(info.name);
  auto db = sqlite::Connection::open(file, sqlite::Access::kImmutable);
  if (!db) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return std::unexpected(db.error());
    return fail(Errc::kNotFound, file.string() + ": the segment is gone");
  }
  const auto format = check_about(*db, info);
  if (!format) return std::unexpected(format.error());
  SegmentReader reader(std::move(*db), info, *format);
  const auto pages = std::max(kCachePagesMin, reader.find_.size() * kCachePagesAPart);
  const auto set = reader.db_.execute(("PRAGMA cache_size=" + std::to_string(pages)).c_str());
  if (!set) return std::unexpected(set.error());
  return reader;
}

Status SegmentReader::name_file(Status status) const {
  if (status) return status;
  return fail(db_.file().string(), status.error());
}

Result<sqlite::Statement*> SegmentReader::find_in(const SegmentPart& part) {
  auto& find = find_[part.index];
  if (!find) {
    auto prepared =
        prepare(db_, "SELECT data FROM " + table_of(format_, part.index) + " WHERE id = ?1");
    if (!prepared) return std::unexpected(prepared.error());
    find.emplace(std::move(*prepared));
  }
  return &*find;
}

Result<bool> SegmentReader::read(InfluencerId influencer, const SegmentPart& part, Chunk& out) {
  return read_with(decode_chunk, influencer, part, out);
}

Result<bool> SegmentReader::read_coverage(InfluencerId influencer, const SegmentPart& part,
                                          Chunk& out) {
  return read_with(decode_chunk_coverage, influencer, part, out);
}

Result<bool> SegmentReader::read_with(Decode* decode, InfluencerId influencer,
                                      const SegmentPart& part, Chunk& out) {
  const auto find = find_in(part);
  if (!find) return std::unexpected(find.error());
  const sqlite::ResetAtEnd reset(**find);
  const auto row = (*find)->bind(1, to_number(influencer)).step();
  if (!row || !*row) return row;
  const auto decoded = name_file(decode((*find)->blob(0), part.span(), out));
  if (!decoded) return std::unexpected(decoded.error());
  return true;
}

Result<InfluencerId> SegmentReader::middle_of(const SegmentPart& part) {
  // Two queries, as one with both would read everything.
  const auto table = table_of(format_, part.index);
  auto ends = prepare(
      db_, "SELECT (SELECT min(id) FROM " + table + "), (SELECT max(id) FROM " + table + ")");
  if (!ends) return std::unexpected(ends.error());
  const auto row = ends->step();
  if (!row) return std::unexpected(row.error());
  const auto first = number_of(influencer_at(ends->integer(0)));
  const auto last = number_of(influencer_at(ends->integer(1)));
  return InfluencerId{first + (last - first) / 2};
}

Status SegmentReader::begin_walk(const SegmentPart& part, IdRange influencers) {
  auto walk = prepare(db_, "SELECT id, data FROM " + table_of(format_, part.index) +
                               " WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
  if (!walk) return std::unexpected(walk.error());
  walk->bind(1, to_number(influencers.first)).bind(2, to_number(influencers.last));
  walk_.emplace(std::move(*walk));
  walk_span_ = part.span();
  current_.reset();
  return next();
}

Status SegmentReader::next() {
  const auto row = walk_->step();
  if (!row) return std::unexpected(row.error());
  const auto before = std::exchange(current_, std::nullopt);
  if (!*row) return {};
  const auto id = influencer_at(walk_->integer(0));
  if (before && id <= *before) return damaged(db_.file(), "its order is broken");
  current_ = id;
  return {};
}

Status SegmentReader::decode_current(Chunk& out) {
  return name_file(decode_chunk(current_bytes(), walk_span_, out));
}

Result<std::optional<Counts>> SegmentReader::decode_current_value(std::uint32_t offset,
                                                                  Chunk& scratch) {
  auto counts = decode_chunk_value(current_bytes(), walk_span_, offset, scratch);
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

SegmentWriter::SegmentWriter(sqlite::Connection db, SegmentFormat format,
                             std::filesystem::path draft, std::filesystem::path target)
    : db_(std::move(db)), format_(format), draft_(std::move(draft)), target_(std::move(target)) {}

SegmentWriter::SegmentWriter(SegmentWriter&& other) noexcept
    : db_(std::exchange(other.db_, std::nullopt)),
      insert_(std::exchange(other.insert_, std::nullopt)),
      format_(other.format_),
      draft_(std::exchange(other.draft_, {})),
      target_(std::move(other.target_)) {}

SegmentWriter::~SegmentWriter() {
  insert_.reset();
  db_.reset();
  std::error_code ignored;
  if (!draft_.empty()) std::filesystem::remove(draft_, ignored);
}

Result<SegmentWriter> SegmentWriter::create(const Files& files, const SegmentInfo& info,
                                            SegmentFormat format) {
  const auto target = files.segment(info.name);
  const std::filesystem::path draft = target.string() + std::string(kDraftSuffix);
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  auto db = sqlite::Connection::open(draft, sqlite::Access::kCreate);
  if (!db) return std::unexpected(db.error());
  db->reserve_checksums();
  const auto about = "INSERT INTO about VALUES (" + std::to_string(static_cast<int>(format)) +
                     ", " + std::to_string(to_number(info.range.begin)) + ", " +
                     std::to_string((info.range.end - info.range.begin).count()) + ", " +
                     std::to_string(info.frames_through) + ")";
  // Durability comes from `finish`; a file that was not finished is thrown away.
  const auto made =
      db->execute(("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-1024; BEGIN; "
                   "CREATE TABLE about(format INTEGER, begin_minute INTEGER, span INTEGER, "
                   "frames_through INTEGER); " +
                   about)
                      .c_str());
  if (!made) return std::unexpected(made.error());
  return SegmentWriter(std::move(*db), format, draft, target);
}

Status SegmentWriter::begin_part(const SegmentPart& part) {
  insert_.reset();
  const auto table = table_of(format_, part.index);
  const auto create = "CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, data BLOB NOT NULL)";
  if (auto made = db_->execute(create.c_str()); !made) return made;
  auto insert = db_->prepare("INSERT INTO " + table + " VALUES (?1, ?2)");
  if (!insert) return std::unexpected(insert.error());
  insert_.emplace(std::move(*insert));
  return {};
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
