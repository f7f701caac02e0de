// A row is written when it has some 500 influencers: its blocks, then its index page. Groups of
// influencers share blocks; a group's blocks cover as much of the segment as makes them some
// kilobytes long, so that those whose counts rest are one block for a day, and one minute of
// everyone whose counts move is in a twenty-fourth of the file.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/codec/packed_bits.h"
#include "storage/packed_segment.h"

namespace ia::sqlite_store {
namespace {

using namespace packed_layout;

// A group is complete with so many bytes in each of the shortest blocks.
constexpr std::uint64_t kGroupBytes = 4'400;
constexpr std::uint64_t kBlockBytes = 5'200;  // at most, where blocks can be shorter
constexpr std::uint64_t kWholeBytes = 6'000;  // one block when the group takes no more
constexpr std::array<std::size_t, 7> kParts = {2, 3, 4, 6, 8, 12, 24};

Status failed(const std::filesystem::path& file) {
  const bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return fail(Errc::kUnavailable,
              file.string() + ": " + (is_full ? "disk full: " : "") + std::strerror(errno));
}

// About what the changes of a column take.
std::uint64_t bits_of(std::span<const std::int64_t> values) {
  std::uint64_t bits = 16;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto change = zigzag(values[i] - values[i - 1]);
    bits += change == 0 ? 0 : static_cast<std::uint64_t>(std::bit_width(change)) + 1;
  }
  return bits;
}

template <class Column>
void append(std::span<const Column> from, std::vector<Column>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void PackedSegmentWriter::Pending::clear() {
  entries.clear();
  offsets.clear();
  followers.clear();
  following.clear();
  misses.clear();
  bits = 0;
}

PackedSegmentWriter::PackedSegmentWriter(int file, SegmentInfo info, std::filesystem::path draft,
                                         std::filesystem::path target)
    : file_(file), info_(std::move(info)), draft_(std::move(draft)), target_(std::move(target)) {}

PackedSegmentWriter::PackedSegmentWriter(PackedSegmentWriter&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      info_(std::move(other.info_)),
      draft_(std::exchange(other.draft_, {})),
      target_(std::move(other.target_)),
      at_(other.at_),
      pending_(std::move(other.pending_)),
      next_(std::move(other.next_)),
      next_miss_(std::move(other.next_miss_)),
      row_(std::move(other.row_)),
      rows_(std::move(other.rows_)) {}

PackedSegmentWriter::~PackedSegmentWriter() {
  if (file_ >= 0) ::close(file_);
  std::error_code ignored;
  if (!draft_.empty()) std::filesystem::remove(draft_, ignored);
}

Result<PackedSegmentWriter> PackedSegmentWriter::create(const Files& files,
                                                        const SegmentInfo& info) {
  const auto target = files.segment(info.name);
  const std::filesystem::path draft = target.string() + std::string(kDraftSuffix);
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(failed(draft).error());
  return PackedSegmentWriter(file, info, draft, target);
}

std::size_t PackedSegmentWriter::slots() const {
  return slots_of(info_.span());
}

Status PackedSegmentWriter::add(InfluencerId influencer, const ChunkView& series) {
  auto& pending = pending_;
  const auto begin = pending.offsets.size();
  const auto miss_begin = pending.misses.size();
  append(series.offsets, pending.offsets);
  append(series.followers, pending.followers);
  append(series.following, pending.following);
  append(series.misses, pending.misses);
  pending.entries.push_back(
      {influencer, begin, pending.offsets.size(), miss_begin, pending.misses.size()});
  pending.bits += bits_of(series.followers) + bits_of(series.following);
  const bool is_complete =
      pending.entries.size() == kBlockInfluencersMax || pending.bits / 8 / slots() >= kGroupBytes;
  return is_complete ? flush_group() : Status{};
}

std::size_t PackedSegmentWriter::parts_for(std::uint64_t bits) const {
  const auto bytes = bits / 8;
  if (slots() == 1 || bytes <= kWholeBytes) return 1;
  const auto fits = [&](std::size_t parts) { return bytes / parts <= kBlockBytes; };
  const auto found = std::ranges::find_if(kParts, fits);
  return found == kParts.end() ? kParts.back() : *found;
}

Status PackedSegmentWriter::flush_group() {
  if (pending_.entries.empty()) return {};
  const auto span = info_.span();
  Group group{.first = row_.ids.size(), .count = pending_.entries.size(), .blocks = {}};
  group.blocks.resize(parts_for(pending_.bits));
  next_.clear();
  next_miss_.clear();
  for (const auto& entry : pending_.entries) {
    row_.ids.push_back(number_of(entry.id));
    next_.push_back(entry.begin);
    next_miss_.push_back(entry.miss_begin);
  }
  const auto part_span = span / static_cast<std::uint32_t>(group.blocks.size());
  for (std::size_t part = 0; part < group.blocks.size(); ++part) {
    encode_part(part, part_span, group.blocks[part]);
  }
  row_.groups.push_back(std::move(group));
  pending_.clear();
  const bool is_full = row_.ids.size() + kBlockInfluencersMax > kRowInfluencersMax;
  return is_full ? flush_row() : Status{};
}

void PackedSegmentWriter::encode_part(std::size_t part, std::uint32_t span, std::string& out) {
  const auto begin = static_cast<std::uint32_t>(part) * span;
  std::array<ChunkView, kBlockInfluencersMax> views;
  for (std::size_t i = 0; i < pending_.entries.size(); ++i) {
    const auto& entry = pending_.entries[i];
    auto end = next_[i];
    while (end < entry.end && pending_.offsets[end] < begin + span) ++end;
    auto miss_end = next_miss_[i];
    while (miss_end < entry.miss_end && pending_.misses[miss_end].offset < begin + span) ++miss_end;
    const auto count = end - next_[i];
    views[i] = {std::span(pending_.offsets).subspan(next_[i], count),
                std::span(pending_.followers).subspan(next_[i], count),
                std::span(pending_.following).subspan(next_[i], count),
                std::span(pending_.misses).subspan(next_miss_[i], miss_end - next_miss_[i])};
    next_[i] = end;
    next_miss_[i] = miss_end;
  }
  encode_block(std::span(views).first(pending_.entries.size()), static_cast<std::uint16_t>(begin),
               span, out);
}

Status PackedSegmentWriter::flush_row() {
  if (row_.ids.empty()) return {};
  std::string bytes;
  in_file_order(
      slots(), row_.groups.size(), [&](auto group) { return row_.groups[group].blocks.size(); },
      [&](auto group, auto part) {
        auto& block = row_.groups[group].blocks[part];
        seal(block, at_ + bytes.size());
        bytes += block;
      });
  auto page = index_page();
  const auto page_at = at_ + bytes.size();
  seal(page, page_at);
  rows_.push_back({row_.ids.front(), page_at, static_cast<std::uint32_t>(page.size())});
  bytes += page;
  row_ = {};
  return write(bytes);
}

std::string PackedSegmentWriter::index_page() const {
  std::vector<PackedGroup> groups;
  for (const auto& group : row_.groups) {
    auto& added = groups.emplace_back(group.first, group.count, std::vector<std::uint32_t>());
    for (const auto& block : group.blocks) {
      added.block_sizes.push_back(static_cast<std::uint32_t>(block.size()));
    }
  }
  return encode_row(row_.ids, groups, slots());
}

void PackedSegmentWriter::seal(std::string& piece, std::uint64_t at) const {
  put_number(piece, checksum_of(piece, seed_of(info_, at)));
}

Status PackedSegmentWriter::write(std::string& bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(draft_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  at_ += bytes.size();
  return {};
}

Status PackedSegmentWriter::finish() {
  if (auto flushed = flush_group(); !flushed) return flushed;
  if (auto flushed = flush_row(); !flushed) return flushed;
  const auto directory_at = at_;
  std::string directory;
  for (const auto& row : rows_) {
    put_number(directory, row.first_id);
    put_number(directory, row.page);
    put_number(directory, row.page_size);
  }
  seal(directory, directory_at);
  std::string footer(kMagic);
  put_number(footer, to_number(info_.range.begin));
  put_number(footer, info_.span());
  put_number(footer, static_cast<std::uint32_t>(rows_.size()));
  put_number(footer, info_.frames_through);
  put_number(footer, directory_at);
  seal(footer, directory_at + directory.size());
  directory += footer;
  if (auto written = write(directory); !written) return written;
  ::close(std::exchange(file_, -1));
  if (auto published = publish(draft_, target_); !published) return published;
  draft_.clear();
  return {};
}

}  // namespace ia::sqlite_store
