// Reading: the footer and the directory of rows stay in memory; an index page says where the blocks
// of its row are, and the last one read is kept; blocks are read when they are asked for, those of
// a walk a row at a time.
#include "storage/packed_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ia::sqlite_store {
namespace {

using namespace packed_layout;

// Blocks so near each other are read at once.
constexpr std::uint64_t kGapMax = 16 << 10;

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  InputFile(InputFile&& other) noexcept
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile() {
    if (file_ >= 0) ::close(file_);
  }
  bool is_open() const { return file_ >= 0; }
  const std::filesystem::path& path() const { return path_; }

  Result<std::uint64_t> size() const {
    struct stat found{};
    if (::fstat(file_, &found) != 0) return std::unexpected(failed().error());
    return static_cast<std::uint64_t>(found.st_size);
  }

  Status read(std::uint64_t at, std::size_t size, char* to) const {
    while (size > 0) {
      const auto got = ::pread(file_, to, size, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed();
      if (got == 0) return std::unexpected(damaged_segment(path_, "it was cut short"));
      at += static_cast<std::uint64_t>(got);
      to += got;
      size -= static_cast<std::size_t>(got);
    }
    return {};
  }

 private:
  Status failed() const {
    if (errno == EIO) return std::unexpected(damaged_segment(path_, "the disk cannot read it"));
    return fail(Errc::kUnavailable, path_.string() + ": " + std::strerror(errno));
  }

  std::filesystem::path path_;
  int file_;
};

struct Footer {
  SegmentInfo info;
  std::uint64_t directory = 0;
  std::size_t rows = 0;
};

Result<Footer> read_footer(const InputFile& file) {
  const auto size = file.size();
  if (!size) return std::unexpected(size.error());
  std::string bytes(kFooterBytes, '\0');
  if (*size < kFooterBytes) return std::unexpected(damaged_segment(file.path(), "not a segment"));
  const auto at = *size - kFooterBytes;
  if (auto read = file.read(at, bytes.size(), bytes.data()); !read) {
    return std::unexpected(read.error());
  }
  Footer footer;
  const Minute begin = minute_at(number_at<std::int64_t>(bytes, 8));
  const auto span = number_at<std::uint32_t>(bytes, 16);
  footer.info = {.name = file.path().filename().string(),
                 .range = {begin, begin + std::chrono::minutes{span}},
                 .frames_through = number_at<std::uint64_t>(bytes, 24)};
  footer.rows = number_at<std::uint32_t>(bytes, 20);
  footer.directory = number_at<std::uint64_t>(bytes, 32);
  const auto body = std::string_view(bytes).substr(0, kFooterBytes - kChecksumBytes);
  const bool is_whole =
      body.starts_with(kMagic) && span > 0 && span <= kChunkSpanMax &&
      number_at<std::uint64_t>(bytes, body.size()) == checksum_of(body, seed_of(footer.info, at)) &&
      footer.directory <= at && at - footer.directory == footer.rows * kPlaceBytes + kChecksumBytes;
  if (is_whole) return footer;
  return std::unexpected(damaged_segment(file.path(), "not a whole segment"));
}

Result<InputFile> open_file(const std::filesystem::path& path) {
  InputFile file(path);
  if (file.is_open()) return file;
  if (errno == ENOENT) return fail(Errc::kNotFound, path.string() + ": the segment is gone");
  return fail(Errc::kUnavailable, path.string() + ": " + std::strerror(errno));
}

class PackedSegment final : public SegmentFile {
 public:
  PackedSegment(InputFile file, SegmentInfo info)
      : file_(std::move(file)),
        info_(std::move(info)),
        span_(info_.span()),
        slots_(slots_of(span_)) {}
  Status load_directory(const Footer& footer);

  SegmentFormat format() const override { return SegmentFormat::kPacked; }
  Result<bool> read(InfluencerId influencer, const SegmentPart& part, MinuteRange wanted,
                    Content content, Chunk& out) override;
  Result<InfluencerId> middle_of(const SegmentPart& part) override;
  Status begin_walk(const SegmentPart& part, IdRange influencers, MinuteRange wanted) override;
  Status next() override;
  void end_walk() override { walk_row_ = rows_.size(); }
  std::optional<InfluencerId> current() const override;
  Status decode_current(Chunk& out) override;
  Result<std::optional<Counts>> decode_current_value(std::uint32_t offset, Chunk& scratch) override;

 private:
  using Group = PackedRow::Group;
  // Of a group's parts.
  struct Parts {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Status damage() const {
    return std::unexpected(damaged_segment(file_.path(), "its checksums do not match"));
  }
  bool is_sealed(std::string_view piece, std::uint64_t at) const;
  // Reads a piece without its checksum.
  Status read_piece(std::uint64_t at, std::size_t size, std::string& out) const;
  Status load_row(std::size_t row);
  Parts parts_in(const Group& group, MinuteRange minutes) const;
  std::uint32_t span_of(const Group& group) const {
    return span_ / static_cast<std::uint32_t>(group.parts);
  }
  bool decode_part(const PackedBlock& block, const Group& group, std::size_t index,
                   std::size_t part, MinuteRange wanted, Chunk& out) const;
  // Where a block is in the file.
  std::uint64_t place_of(const PackedRow::Block& block) const {
    return rows_[loaded_row_].page - row_.bytes() + block.begin;
  }

  // Of walks.
  Status enter_row(std::uint64_t from);
  Status read_slab();
  const PackedBlock* walk_block(const Group& group, std::size_t part);

  InputFile file_;
  SegmentInfo info_;
  std::uint32_t span_;
  std::size_t slots_;
  std::vector<RowPlace> rows_;
  std::size_t loaded_row_ = SIZE_MAX;
  PackedRow row_;                   // of loaded_row_
  std::vector<std::uint64_t> ids_;  // of the group that was read, or of a walk's row
  std::string piece_;

  enum class Known : std::uint8_t { kUnread, kWhole, kDamaged };
  struct WalkBlock {
    std::uint64_t at = 0;
    std::uint32_t size = 0;
    Known known = Known::kUnread;
    std::size_t in_slab = 0;
    std::optional<PackedBlock> block;
  };
  Status read_run(std::span<WalkBlock* const> blocks, std::size_t& filled);

  std::size_t walk_row_ = 0;  // rows_.size(): at the end
  std::size_t walk_at_ = 0;   // in the row's ids
  std::uint64_t walk_last_ = 0;
  MinuteRange walk_wanted_;
  std::vector<WalkBlock> walk_blocks_;         // of the row, by group and part
  std::vector<std::size_t> first_walk_block_;  // of each group
  std::vector<char> slab_;
};

bool PackedSegment::is_sealed(std::string_view piece, std::uint64_t at) const {
  const auto body = piece.substr(0, piece.size() - kChecksumBytes);
  return number_at<std::uint64_t>(piece, body.size()) == checksum_of(body, seed_of(info_, at));
}

Status PackedSegment::read_piece(std::uint64_t at, std::size_t size, std::string& out) const {
  if (size < kChecksumBytes) return damage();
  out.resize(size);
  if (auto read = file_.read(at, size, out.data()); !read) return read;
  if (!is_sealed(out, at)) return damage();
  out.resize(size - kChecksumBytes);
  return {};
}

Status PackedSegment::load_directory(const Footer& footer) {
  std::string bytes;
  const auto size = footer.rows * kPlaceBytes + kChecksumBytes;
  if (auto read = read_piece(footer.directory, size, bytes); !read) return read;
  for (std::size_t at = 0; at < bytes.size(); at += kPlaceBytes) {
    rows_.push_back({.first_id = number_at<std::uint64_t>(bytes, at),
                     .page = number_at<std::uint64_t>(bytes, at + 8),
                     .page_size = number_at<std::uint32_t>(bytes, at + 16)});
    const auto& row = rows_.back();
    const bool ascends = rows_.size() == 1 || rows_[rows_.size() - 2].first_id < row.first_id;
    const bool fits = row.page_size > kChecksumBytes && row.page < footer.directory &&
                      row.page_size <= footer.directory - row.page;
    if (!ascends || !fits) return damage();
  }
  walk_row_ = rows_.size();
  return {};
}

Status PackedSegment::load_row(std::size_t row) {
  if (row == loaded_row_) return {};
  loaded_row_ = SIZE_MAX;
  const auto& place = rows_[row];
  std::string page;
  if (auto read = read_piece(place.page, place.page_size, page); !read) return read;
  const bool is_sound = row_.parse(std::move(page), slots_) &&
                        row_.groups().front().first_id == place.first_id &&
                        row_.bytes() <= place.page;
  if (!is_sound) return damage();
  loaded_row_ = row;
  return {};
}

PackedSegment::Parts PackedSegment::parts_in(const Group& group, MinuteRange minutes) const {
  const auto span = std::chrono::minutes{span_of(group)};
  const auto begin = std::max(minutes.begin, info_.range.begin) - info_.range.begin;
  const auto end = std::min(minutes.end, info_.range.end) - info_.range.begin;
  if (begin >= end) return {};
  return {static_cast<std::size_t>(begin / span),
          static_cast<std::size_t>((end - std::chrono::minutes{1}) / span) + 1};
}

Result<bool> PackedSegment::read(InfluencerId influencer, const SegmentPart&, MinuteRange wanted,
                                 Content content, Chunk& out) {
  out.clear();
  const auto id = number_of(influencer);
  const auto behind = std::ranges::upper_bound(rows_, id, {}, &RowPlace::first_id);
  if (behind == rows_.begin()) return false;
  if (auto loaded = load_row(static_cast<std::size_t>(behind - rows_.begin()) - 1); !loaded) {
    return std::unexpected(loaded.error());
  }
  const auto& group = *row_.group_of_id(id);
  ids_.clear();
  if (!row_.read_ids(group, ids_)) return std::unexpected(damage().error());
  const auto found = std::ranges::lower_bound(ids_, id);
  if (found == ids_.end() || *found != id) return false;
  const auto index = static_cast<std::size_t>(found - ids_.begin());
  const auto parts = parts_in(group, wanted);
  for (auto part = parts.begin; part < parts.end; ++part) {
    const auto place = row_.block(group, part);
    if (auto read = read_piece(place_of(place), place.size, piece_); !read) {
      return std::unexpected(read.error());
    }
    const auto block = PackedBlock::parse(piece_, span_of(group));
    const auto base = static_cast<std::uint16_t>(part * span_of(group));
    const bool is_sound = block && block->size() == group.count &&
                          (content == Content::kAll ? block->decode(index, base, out)
                                                    : block->decode_coverage(index, base, out));
    if (!is_sound) return std::unexpected(damage().error());
  }
  return true;
}

// The minutes of it that are wanted.
bool PackedSegment::decode_part(const PackedBlock& block, const Group& group, std::size_t index,
                                std::size_t part, MinuteRange wanted, Chunk& out) const {
  const auto span = std::chrono::minutes{span_of(group)};
  const auto first = info_.range.begin + static_cast<int>(part) * span;
  const auto offset = [&](Minute minute) {
    return static_cast<std::uint32_t>((std::clamp(minute, first, first + span) - first).count());
  };
  return block.decode(index, static_cast<std::uint16_t>(part * span_of(group)),
                      offset(wanted.begin), offset(wanted.end), out);
}

Result<InfluencerId> PackedSegment::middle_of(const SegmentPart&) {
  if (rows_.empty()) return InfluencerId{0};
  if (rows_.size() > 1) return InfluencerId{rows_[rows_.size() / 2].first_id - 1};
  if (auto loaded = load_row(0); !loaded) return std::unexpected(loaded.error());
  return InfluencerId{row_.groups()[row_.groups().size() / 2].first_id};
}

Status PackedSegment::begin_walk(const SegmentPart&, IdRange influencers, MinuteRange wanted) {
  const auto from = number_of(influencers.first);
  walk_last_ = number_of(influencers.last);
  walk_wanted_ = wanted;
  const auto behind = std::ranges::upper_bound(rows_, from, {}, &RowPlace::first_id);
  walk_row_ = static_cast<std::size_t>(behind - rows_.begin());
  if (walk_row_ > 0) --walk_row_;
  auto entered = enter_row(from);
  if (!entered) end_walk();
  return entered;
}

// Stands at the first influencer from there on that is in range, in this row or a later one.
Status PackedSegment::enter_row(std::uint64_t from) {
  for (; walk_row_ < rows_.size(); ++walk_row_) {
    if (rows_[walk_row_].first_id > walk_last_) break;
    if (auto loaded = load_row(walk_row_); !loaded) return loaded;
    ids_.clear();
    for (const auto& group : row_.groups()) {
      if (!row_.read_ids(group, ids_)) return damage();
    }
    walk_at_ = static_cast<std::size_t>(std::ranges::lower_bound(ids_, from) - ids_.begin());
    if (walk_at_ == ids_.size()) continue;
    if (ids_[walk_at_] > walk_last_) break;
    return read_slab();
  }
  end_walk();
  return {};
}

Status PackedSegment::next() {
  if (++walk_at_ == ids_.size()) {
    ++walk_row_;
    return enter_row(0);
  }
  if (ids_[walk_at_] > walk_last_) end_walk();
  return {};
}

std::optional<InfluencerId> PackedSegment::current() const {
  if (walk_row_ >= rows_.size()) return std::nullopt;
  return InfluencerId{ids_[walk_at_]};
}

// All blocks of the row that the rest of the walk looks at.
Status PackedSegment::read_slab() {
  walk_blocks_.clear();
  first_walk_block_.clear();
  for (const auto& group : row_.groups()) {
    first_walk_block_.push_back(walk_blocks_.size());
    if (group.first + group.count <= walk_at_ || group.first_id > walk_last_) continue;
    const auto parts = parts_in(group, walk_wanted_);
    for (auto part = parts.begin; part < parts.end; ++part) {
      const auto place = row_.block(group, part);
      auto& block = walk_blocks_.emplace_back();
      block.at = place_of(place);
      block.size = place.size;
    }
  }
  std::vector<WalkBlock*> blocks;
  for (auto& block : walk_blocks_) blocks.push_back(&block);
  std::ranges::sort(blocks, {}, &WalkBlock::at);
  std::size_t filled = 0;
  for (std::size_t begin = 0; begin < blocks.size();) {
    auto end = begin + 1;
    while (end < blocks.size() &&
           blocks[end]->at <= blocks[end - 1]->at + blocks[end - 1]->size + kGapMax) {
      ++end;
    }
    if (auto read = read_run(std::span(blocks).subspan(begin, end - begin), filled); !read) {
      return read;
    }
    begin = end;
  }
  return {};
}

Status PackedSegment::read_run(std::span<WalkBlock* const> blocks, std::size_t& filled) {
  const auto begin = blocks.front()->at;
  const auto size = static_cast<std::size_t>(blocks.back()->at + blocks.back()->size - begin);
  if (slab_.size() < filled + size) slab_.resize(filled + size);
  if (auto read = file_.read(begin, size, slab_.data() + filled); !read) return read;
  for (auto* block : blocks) block->in_slab = filled + static_cast<std::size_t>(block->at - begin);
  filled += size;
  return {};
}

// Null when it is damaged.
const PackedBlock* PackedSegment::walk_block(const Group& group, std::size_t part) {
  const auto index = static_cast<std::size_t>(&group - row_.groups().data());
  const auto first_part = parts_in(group, walk_wanted_).begin;
  auto& block = walk_blocks_[first_walk_block_[index] + part - first_part];
  if (block.known == Known::kUnread) {
    const std::string_view piece(slab_.data() + block.in_slab, block.size);
    if (block.size > kChecksumBytes && is_sealed(piece, block.at)) {
      block.block =
          PackedBlock::parse(piece.substr(0, piece.size() - kChecksumBytes), span_of(group));
    }
    const bool is_whole = block.block && block.block->size() == group.count;
    block.known = is_whole ? Known::kWhole : Known::kDamaged;
  }
  return block.known == Known::kWhole ? &*block.block : nullptr;
}

Status PackedSegment::decode_current(Chunk& out) {
  out.clear();
  const auto& group = row_.group_at(walk_at_);
  const auto parts = parts_in(group, walk_wanted_);
  for (auto part = parts.begin; part < parts.end; ++part) {
    const auto* block = walk_block(group, part);
    const bool is_sound = block != nullptr && decode_part(*block, group, walk_at_ - group.first,
                                                          part, walk_wanted_, out);
    if (!is_sound) return damage();
  }
  return {};
}

Result<std::optional<Counts>> PackedSegment::decode_current_value(std::uint32_t offset, Chunk&) {
  const auto& group = row_.group_at(walk_at_);
  const auto span = span_of(group);
  const auto* block = walk_block(group, offset / span);
  std::optional<Counts> counts;
  const bool is_sound =
      block != nullptr && block->decode_value(walk_at_ - group.first, offset % span, counts);
  if (!is_sound) return std::unexpected(damage().error());
  return counts;
}

}  // namespace

Result<SegmentInfo> read_packed_info(const std::filesystem::path& path) {
  const auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  const auto footer = read_footer(*file);
  if (!footer) return std::unexpected(footer.error());
  return footer->info;
}

Result<std::unique_ptr<SegmentFile>> open_packed_segment(const std::filesystem::path& path,
                                                         const SegmentInfo& info) {
  auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  const auto footer = read_footer(*file);
  if (!footer) return std::unexpected(footer.error());
  const bool is_named =
      footer->info.range == info.range && footer->info.frames_through == info.frames_through;
  if (!is_named) {
    return std::unexpected(damaged_segment(path, "not the segment that the catalog names"));
  }
  auto segment = std::make_unique<PackedSegment>(std::move(*file), info);
  if (auto loaded = segment->load_directory(*footer); !loaded) {
    return std::unexpected(loaded.error());
  }
  return segment;
}

}  // namespace ia::sqlite_store
