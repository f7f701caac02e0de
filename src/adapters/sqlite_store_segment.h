#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "adapters/chunk_codec.h"
#include "adapters/sqlite_store_files.h"
#include "core/influencer_set.h"

namespace ia::sqlite_store {

// A row of the catalog: an immutable file with all chunks of an hour or a day.
struct SegmentInfo {
  std::string name;
  MinuteRange range;
  // All frames of the range up to this position are in it; later ones come on top.
  std::uint64_t frames_through = 0;
  std::uint64_t points = 0;
};

// The number in the file. How a segment is cut into parts, each with chunks of its own.
enum class SegmentFormat : std::uint8_t {
  kWhole = 1,  // one part: days as they were until format 2
  kHours = 2,  // a part each hour
};

// What a chunk covers: a part of a segment, an hour long or the whole of it.
struct SegmentPart {
  MinuteRange range;
  std::size_t index = 0;

  std::uint32_t span() const {
    return static_cast<std::uint32_t>((range.end - range.begin).count());
  }
  // Of a minute within the range.
  std::uint16_t offset_of(Minute minute) const {
    return static_cast<std::uint16_t>((minute - range.begin).count());
  }
};

inline constexpr IdRange kEverybody{InfluencerId{0}, InfluencerId{kInfluencerIdMax}};

// The part that has a minute of the segment.
SegmentPart part_of(const SegmentInfo& info, SegmentFormat format, Minute minute);

// An open segment. Threads: one at a time. Errors name the file: kNotFound when it is gone (a
// newer one has replaced it), kCorrupt when it is damaged or not the one of the catalog.
class SegmentReader {
 public:
  static Result<SegmentReader> open(const Files& files, const SegmentInfo& info);
  SegmentReader(SegmentReader&&) noexcept = default;
  SegmentReader& operator=(SegmentReader&&) = delete;

  const SegmentInfo& info() const { return info_; }
  SegmentFormat format() const { return format_; }
  SegmentPart part_of(Minute minute) const { return sqlite_store::part_of(info_, format_, minute); }
  // False when the part has nothing of the influencer. Some 2 us and decode_chunk.
  Result<bool> read(InfluencerId influencer, const SegmentPart& part, Chunk& out);
  // Only what decode_chunk_coverage gives.
  Result<bool> read_coverage(InfluencerId influencer, const SegmentPart& part, Chunk& out);

  // The chunks of a part in ascending order of influencers: begin, then next for each further one.
  Status begin_walk(const SegmentPart& part, IdRange influencers = kEverybody);
  // Half way between the first and the last influencer of a part; the first possible one when it is
  // empty.
  Result<InfluencerId> middle_of(const SegmentPart& part);
  Status next();
  // As if nothing were left.
  Status end_walk() {
    current_.reset();
    return {};
  }
  std::optional<InfluencerId> current() const { return current_; }  // nothing: at the end
  Status decode_current(Chunk& out);
  // As decode_chunk_value.
  Result<std::optional<Counts>> decode_current_value(std::uint32_t offset, Chunk& scratch);
  std::string_view current_bytes() const { return walk_->blob(1); }

 private:
  SegmentReader(sqlite::Connection db, const SegmentInfo& info, SegmentFormat format);
  Status name_file(Status status) const;
  using Decode = Status(std::string_view bytes, std::uint32_t span, Chunk& out);
  Result<bool> read_with(Decode* decode, InfluencerId influencer, const SegmentPart& part,
                         Chunk& out);
  // By influencer, in the part's table.
  Result<sqlite::Statement*> find_in(const SegmentPart& part);

  SegmentInfo info_;
  SegmentFormat format_;
  sqlite::Connection db_;
  std::vector<std::optional<sqlite::Statement>> find_;  // by part, prepared when first asked
  std::optional<sqlite::Statement> walk_;
  std::uint32_t walk_span_ = 0;
  std::optional<InfluencerId> current_;
};

// The open segments of one reader, the least recently used of them closed when there are many.
class SegmentCache {
 public:
  explicit SegmentCache(const Files& files) : files_(files) {}
  // Valid until the next call.
  Result<SegmentReader*> get(const SegmentInfo& info);
  void forget(const SegmentInfo& info);

 private:
  const Files& files_;
  std::list<SegmentReader> open_;  // the last one used in front
};

// Writes a segment under a temporary name. Without `finish` the file is removed at the end.
class SegmentWriter {
 public:
  static Result<SegmentWriter> create(const Files& files, const SegmentInfo& info,
                                      SegmentFormat format);
  SegmentWriter(SegmentWriter&& other) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) = delete;
  ~SegmentWriter();

  // What is added from now on belongs to the part. Each part once.
  Status begin_part(const SegmentPart& part);
  // In strictly ascending order.
  Status add(InfluencerId influencer, std::string_view chunk);
  // Durable under info.name from now on.
  Status finish();
  SegmentFormat format() const { return format_; }
  const std::filesystem::path& draft() const { return draft_; }

 private:
  SegmentWriter(sqlite::Connection db, SegmentFormat format, std::filesystem::path draft,
                std::filesystem::path target);
  // Closed before the file is synced, in this order.
  std::optional<sqlite::Connection> db_;
  std::optional<sqlite::Statement> insert_;
  SegmentFormat format_;
  std::filesystem::path draft_;
  std::filesystem::path target_;
};

// Temporary files of an interrupted process end so.
inline constexpr std::string_view kDraftSuffix = ".tmp";

}  // namespace ia::sqlite_store
