#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/codec/packed_block.h"
#include "storage/packed_layout.h"
#include "storage/segment.h"

// Segments of format 3: rows of some 500 influencers, each a run of blocks and an index page.
// Bytes: docs/formats.md, Packed segment. Every byte is within one of their checksums, which are
// made of its place in the file too.
namespace ia::sqlite_store {

// What a packed segment says of itself, whatever the catalog says.
Result<SegmentInfo> read_packed_info(const std::filesystem::path& file);

// kNotFound when the file is gone, kCorrupt when it is damaged or not the one of the catalog.
Result<std::unique_ptr<SegmentFile>> open_packed_segment(const std::filesystem::path& file,
                                                         const SegmentInfo& info);

// Writes a segment under a temporary name. Without `finish` the file is removed at the end.
// Memory: a row's blocks, some 3 MB for a day. After an Error the writer must be thrown away.
class PackedSegmentWriter {
 public:
  static Result<PackedSegmentWriter> create(const Files& files, const SegmentInfo& info);
  PackedSegmentWriter(PackedSegmentWriter&& other) noexcept;
  PackedSegmentWriter& operator=(PackedSegmentWriter&&) = delete;
  ~PackedSegmentWriter();

  // In strictly ascending order. Offsets count from the segment's first minute.
  Status add(InfluencerId influencer, const ChunkView& series);
  // Durable under info.name from now on.
  Status finish();
  const std::filesystem::path& draft() const { return draft_; }

 private:
  // The columns of those who will share blocks.
  struct Pending {
    struct Entry {
      InfluencerId id;
      std::size_t begin = 0;  // in the columns
      std::size_t end = 0;
      std::size_t miss_begin = 0;
      std::size_t miss_end = 0;
    };
    std::vector<Entry> entries;
    std::vector<std::uint16_t> offsets;
    std::vector<std::int64_t> followers;
    std::vector<std::int64_t> following;
    std::vector<ChunkMiss> misses;
    std::uint64_t bits = 0;  // about what they take
    void clear();
  };
  struct Group {
    std::size_t first = 0;  // in ids
    std::size_t count = 0;
    std::vector<std::string> blocks;
  };
  struct Row {
    std::vector<std::uint64_t> ids;
    std::vector<Group> groups;
  };
  PackedSegmentWriter(int file, SegmentInfo info, std::filesystem::path draft,
                      std::filesystem::path target);
  std::size_t slots() const;
  std::size_t parts_for(std::uint64_t bits) const;
  Status flush_group();
  void encode_part(std::size_t part, std::uint32_t span, std::string& out);
  Status flush_row();
  std::string index_page() const;
  // With its checksum behind it.
  Status write(std::string& piece);
  void seal(std::string& piece, std::uint64_t at) const;

  int file_;
  SegmentInfo info_;
  std::filesystem::path draft_;
  std::filesystem::path target_;
  std::uint64_t at_ = 0;
  Pending pending_;
  std::vector<std::size_t> next_;  // of each entry, the first value of the next part
  std::vector<std::size_t> next_miss_;
  Row row_;
  std::vector<packed_layout::RowPlace> rows_;
};

}  // namespace ia::sqlite_store
