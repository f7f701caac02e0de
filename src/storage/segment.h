#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/influencer_set.h"
#include "storage/codec/chunk_codec.h"
#include "storage/files.h"

namespace ia::sqlite_store {

// A row of the catalog: an immutable file with all chunks of an hour or a day.
struct SegmentInfo {
  std::string name;
  MinuteRange range;
  // All frames of the range up to this position are in it; later ones come on top.
  std::uint64_t frames_through = 0;
  std::uint64_t points = 0;

  std::uint32_t span() const {
    return static_cast<std::uint32_t>((range.end - range.begin).count());
  }
};

// kCorrupt: what is wrong with a segment's file.
Error damaged_segment(const std::filesystem::path& file, std::string_view what);

// The number in the file. How a segment is cut into parts, each with chunks of its own.
enum class SegmentFormat : std::uint8_t {
  kWhole = 1,   // SQLite, one part: days as they were until format 2
  kHours = 2,   // SQLite, a part per hour
  kPacked = 3,  // blocks of several influencers; one part, of which any minutes are read alone
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

// A segment's file, whatever its format: what SegmentReader promises.
class SegmentFile {
 public:
  virtual ~SegmentFile() = default;
  enum class Content : std::uint8_t { kAll, kCoverage };
  virtual SegmentFormat format() const = 0;
  virtual Result<bool> read(InfluencerId influencer, const SegmentPart& part, MinuteRange wanted,
                            Content content, Chunk& out) = 0;
  virtual Result<InfluencerId> middle_of(const SegmentPart& part) = 0;
  virtual Status begin_walk(const SegmentPart& part, IdRange influencers, MinuteRange wanted) = 0;
  virtual Status next() = 0;
  virtual void end_walk() = 0;
  virtual std::optional<InfluencerId> current() const = 0;
  virtual Status decode_current(Chunk& out) = 0;
  virtual Result<std::optional<Counts>> decode_current_value(std::uint32_t offset,
                                                             Chunk& scratch) = 0;
};

// An open segment. Threads: one at a time. Errors name the file: kNotFound when it is gone (a
// newer one has replaced it), kCorrupt when it is damaged or not the one of the catalog.
// `wanted` are the minutes that the caller will look at: chunks may lack others of their part.
class SegmentReader {
 public:
  static Result<SegmentReader> open(const Files& files, const SegmentInfo& info);

  const SegmentInfo& info() const { return info_; }
  SegmentFormat format() const { return file_->format(); }
  SegmentPart part_of(Minute minute) const {
    return sqlite_store::part_of(info_, format(), minute);
  }
  // False when the part has nothing of the influencer; `out` is empty then. Some 2 us and the
  // decoding.
  Result<bool> read(InfluencerId influencer, const SegmentPart& part, MinuteRange wanted,
                    Chunk& out) {
    return file_->read(influencer, part, wanted, SegmentFile::Content::kAll, out);
  }
  // Only offsets and misses.
  Result<bool> read_coverage(InfluencerId influencer, const SegmentPart& part, MinuteRange wanted,
                             Chunk& out) {
    return file_->read(influencer, part, wanted, SegmentFile::Content::kCoverage, out);
  }

  // The chunks of a part in ascending order of influencers: begin, then next for each further one.
  Status begin_walk(const SegmentPart& part, IdRange influencers, MinuteRange wanted) {
    return file_->begin_walk(part, influencers, wanted);
  }
  Status begin_walk(const SegmentPart& part) { return begin_walk(part, kEverybody, part.range); }
  // Half way between the first and the last influencer of a part; the first possible one when it is
  // empty.
  Result<InfluencerId> middle_of(const SegmentPart& part) { return file_->middle_of(part); }
  Status next() { return file_->next(); }
  // As if nothing were left.
  Status end_walk() {
    file_->end_walk();
    return {};
  }
  std::optional<InfluencerId> current() const { return file_->current(); }  // none: at the end
  Status decode_current(Chunk& out) { return file_->decode_current(out); }
  // The value at an offset from the part's first minute; none when there is none. `scratch` is
  // memory that is used again.
  Result<std::optional<Counts>> decode_current_value(std::uint32_t offset, Chunk& scratch) {
    return file_->decode_current_value(offset, scratch);
  }

 private:
  SegmentReader(SegmentInfo info, std::unique_ptr<SegmentFile> file)
      : info_(std::move(info)), file_(std::move(file)) {}

  SegmentInfo info_;
  std::unique_ptr<SegmentFile> file_;
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

// How the names of packed segments end; those of older formats end in .db.
inline constexpr std::string_view kPackedSuffix = ".seg";

// Temporary files of an interrupted process end so.
inline constexpr std::string_view kDraftSuffix = ".tmp";

}  // namespace ia::sqlite_store
