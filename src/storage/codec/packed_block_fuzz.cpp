#include <cstdlib>
#include <vector>

#include "storage/codec/packed_block.h"
#include "storage/codec/packed_row.h"

// Junk must be refused, or decode to chunks that are encoded and decoded again without a change.
// The first two bytes choose the span, and whether the rest is a block or an index page.
namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void try_row(std::string_view bytes, std::size_t slots) {
  ia::PackedRow row;
  if (!row.parse(std::string(bytes), slots)) return;
  for (const auto& group : row.groups()) {
    std::vector<std::uint64_t> ids;
    if (row.read_ids(group, ids)) check(ids.size() == group.count && ids[0] == group.first_id);
    for (std::size_t part = 0; part < group.parts; ++part) (void)row.block(group, part);
    check(row.group_of_id(group.first_id) == &group && &row.group_at(group.first) == &group);
  }
}

void try_block(std::string_view bytes, std::uint32_t span) {
  const auto block = ia::PackedBlock::parse(bytes, span);
  if (!block) return;
  std::vector<ia::Chunk> chunks;
  for (std::size_t i = 0; i < block->size(); ++i) {
    std::optional<ia::Counts> value;
    const bool has_value = block->decode_value(i, span / 2, value);
    ia::Chunk chunk;
    if (!block->decode(i, 0, chunk)) continue;
    check(has_value);
    chunks.push_back(std::move(chunk));
  }
  if (chunks.empty()) return;
  std::vector<ia::ChunkView> views;
  for (const auto& chunk : chunks) {
    views.push_back({chunk.offsets, chunk.followers, chunk.following, chunk.misses});
  }
  std::string again;
  ia::encode_block(views, 0, span, again);
  const auto decoded = ia::PackedBlock::parse(again, span);
  check(decoded.has_value());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    ia::Chunk chunk;
    check(decoded->decode(i, 0, chunk) && chunk == chunks[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);  // NOLINT
  const auto choice = data[0] + 256u * data[1];
  if (choice >= 0x8000) {
    try_row(bytes, choice % 2 == 0 ? 1 : ia::kSlotsMax);
  } else {
    try_block(bytes, choice % (ia::kChunkSpanMax + 2));
  }
  return 0;
}
