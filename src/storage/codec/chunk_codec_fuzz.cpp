#include <cstdlib>
#include <cstring>

#include "storage/codec/chunk_codec.h"

// Junk must be refused or decode to a chunk that is encoded and decoded again without a change.
// The first two bytes choose the span; the checksum is made to fit, so that what is behind it is
// reached too.
namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint32_t span = (data[0] + 256u * data[1]) % (ia::kChunkSpanMax + 2);
  std::string bytes(data + 2, data + size);
  ia::Chunk chunk;
  (void)ia::decode_chunk(bytes, span, chunk);

  const auto sum = ia::chunk_checksum(bytes);
  bytes.append(4, '\0');
  std::memcpy(bytes.data() + bytes.size() - 4, &sum, 4);
  ia::Chunk scratch;
  const auto value = ia::decode_chunk_value(bytes, span, span / 2, scratch);
  if (!ia::decode_chunk(bytes, span, chunk)) return 0;
  check(value.has_value());

  std::string again;
  ia::encode_chunk({chunk.offsets, chunk.followers, chunk.following, chunk.misses}, span, again);
  ia::Chunk decoded;
  check(ia::decode_chunk(again, span, decoded).has_value());
  check(decoded == chunk);
  return 0;
}
