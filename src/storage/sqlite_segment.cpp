#include "storage/sqlite_segment.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ia::sqlite_store {
namespace {

// A statement of ours is wrong only where a table is not there.
Result<sqlite::Statement> prepare(sqlite::Connection& db, std::string_view sql) {
  auto statement = db.prepare(sql);
  if (statement || statement.error().code != Errc::kInvalid) return statement;
  return std::unexpected(damaged_segment(db.file(), "not a segment"));
}

// So that the upper levels of a part's tree stay in memory.
constexpr std::size_t kCachePagesMin = 32;
constexpr std::size_t kCachePagesAPart = 8;

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
                       about->integer(2) == info.span() &&
                       about->integer(3) == static_cast<std::int64_t>(info.frames_through);
  if (matches) return static_cast<SegmentFormat>(format);
  return std::unexpected(damaged_segment(db.file(), "not the segment that the catalog names"));
}

std::string table_of(SegmentFormat format, std::size_t part) {
  return format == SegmentFormat::kWhole ? "chunk" : "chunk_" + std::to_string(part);
}

class SqliteSegment final : public SegmentFile {
 public:
  SqliteSegment(sqlite::Connection db, const SegmentInfo& info, SegmentFormat format)
      : format_(format), db_(std::move(db)) {
    find_.resize(part_of(info, format, info.range.end - std::chrono::minutes{1}).index + 1);
  }
  Status set_cache();

  SegmentFormat format() const override { return format_; }
  Result<bool> read(InfluencerId influencer, const SegmentPart& part, MinuteRange wanted,
                    Content content, Chunk& out) override;
  Result<InfluencerId> middle_of(const SegmentPart& part) override;
  Status begin_walk(const SegmentPart& part, IdRange influencers, MinuteRange wanted) override;
  Status next() override;
  void end_walk() override { current_.reset(); }
  std::optional<InfluencerId> current() const override { return current_; }
  Status decode_current(Chunk& out) override;
  Result<std::optional<Counts>> decode_current_value(std::uint32_t offset, Chunk& scratch) override;

 private:
  std::string_view current_bytes() const { return walk_->blob(1); }
  Status name_file(Status status) const;
  // By influencer, in the part's table.
  Result<sqlite::Statement*> find_in(const SegmentPart& part);

  SegmentFormat format_;
  sqlite::Connection db_;
  std::vector<std::optional<sqlite::Statement>> find_;  // by part, prepared when first asked
  std::optional<sqlite::Statement> walk_;
  std::uint32_t walk_span_ = 0;
  std::optional<InfluencerId> current_;
};

Status SqliteSegment::set_cache() {
  const auto pages = std::max(kCachePagesMin, find_.size() * kCachePagesAPart);
  return db_.execute(("PRAGMA cache_size=" + std::to_string(pages)).c_str());
}

Status SqliteSegment::name_file(Status status) const {
  if (status) return status;
  return fail(db_.file().string(), status.error());
}

Result<sqlite::Statement*> SqliteSegment::find_in(const SegmentPart& part) {
  auto& find = find_[part.index];
  if (!find) {
    auto prepared =
        prepare(db_, "SELECT data FROM " + table_of(format_, part.index) + " WHERE id = ?1");
    if (!prepared) return std::unexpected(prepared.error());
    find.emplace(std::move(*prepared));
  }
  return &*find;
}

Result<bool> SqliteSegment::read(InfluencerId influencer, const SegmentPart& part, MinuteRange,
                                 Content content, Chunk& out) {
  out.clear();
  const auto find = find_in(part);
  if (!find) return std::unexpected(find.error());
  const sqlite::ResetAtEnd reset(**find);
  const auto row = (*find)->bind(1, to_number(influencer)).step();
  if (!row || !*row) return row;
  const auto decode = content == Content::kAll ? decode_chunk : decode_chunk_coverage;
  const auto decoded = name_file(decode((*find)->blob(0), part.span(), out));
  if (!decoded) return std::unexpected(decoded.error());
  return true;
}

Result<InfluencerId> SqliteSegment::middle_of(const SegmentPart& part) {
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

Status SqliteSegment::begin_walk(const SegmentPart& part, IdRange influencers, MinuteRange) {
  auto walk = prepare(db_, "SELECT id, data FROM " + table_of(format_, part.index) +
                               " WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
  if (!walk) return std::unexpected(walk.error());
  walk->bind(1, to_number(influencers.first)).bind(2, to_number(influencers.last));
  walk_.emplace(std::move(*walk));
  walk_span_ = part.span();
  current_.reset();
  return next();
}

Status SqliteSegment::next() {
  const auto row = walk_->step();
  if (!row) return std::unexpected(row.error());
  const auto before = std::exchange(current_, std::nullopt);
  if (!*row) return {};
  const auto id = influencer_at(walk_->integer(0));
  if (before && id <= *before) {
    return std::unexpected(damaged_segment(db_.file(), "its order is broken"));
  }
  current_ = id;
  return {};
}

Status SqliteSegment::decode_current(Chunk& out) {
  return name_file(decode_chunk(current_bytes(), walk_span_, out));
}

Result<std::optional<Counts>> SqliteSegment::decode_current_value(std::uint32_t offset,
                                                                  Chunk& scratch) {
  auto counts = decode_chunk_value(current_bytes(), walk_span_, offset, scratch);
  if (!counts) return fail(db_.file().string(), counts.error());
  return counts;
}

}  // namespace

Result<SegmentInfo> read_sqlite_info(const std::filesystem::path& file) {
  if (file.extension() != ".db") {
    return std::unexpected(damaged_segment(file, "not a segment"));
  }
  auto db = sqlite::Connection::open(file, sqlite::Access::kImmutable);
  if (!db) return std::unexpected(db.error());
  auto about = prepare(*db, "SELECT begin_minute, span, frames_through FROM about");
  if (!about) return std::unexpected(about.error());
  const auto row = about->step();
  if (!row) return std::unexpected(row.error());
  const auto span = *row ? about->integer(1) : 0;
  if (span < 1 || span > kChunkSpanMax) {
    return std::unexpected(damaged_segment(file, "not a segment"));
  }
  const auto begin = minute_at(about->integer(0));
  return SegmentInfo{.name = file.filename().string(),
                     .range = {begin, begin + std::chrono::minutes{span}},
                     .frames_through = static_cast<std::uint64_t>(about->integer(2))};
}

Result<std::unique_ptr<SegmentFile>> open_sqlite_segment(const std::filesystem::path& file,
                                                         const SegmentInfo& info) {
  auto db = sqlite::Connection::open(file, sqlite::Access::kImmutable);
  if (!db) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return std::unexpected(db.error());
    return fail(Errc::kNotFound, file.string() + ": the segment is gone");
  }
  const auto format = check_about(*db, info);
  if (!format) return std::unexpected(format.error());
  auto segment = std::make_unique<SqliteSegment>(std::move(*db), info, *format);
  if (auto set = segment->set_cache(); !set) return std::unexpected(set.error());
  return segment;
}

}  // namespace ia::sqlite_store
