#include <zlib.h>

#include <cstdlib>
#include <cstring>

#include "core/point_batch.h"

// Bytes that decode are sound: they encode to something that decodes to the same batch. The
// fuzzer does not guess checksums, so it is given the right one.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string bytes(data, data + size);
  (void)ia::decode_point_batch(bytes);
  const auto sum = static_cast<std::uint32_t>(crc32_z(0, data, size));
  bytes.append(4, '\0');
  std::memcpy(bytes.data() + size, &sum, sizeof sum);
  const auto batch = ia::decode_point_batch(bytes);
  if (!batch) return 0;
  if (ia::decode_point_batch(ia::encode(*batch)) != *batch) std::abort();
  for (const auto id : batch->influencers) {
    if (!ia::find_in_encoded(bytes, id)) std::abort();
  }
  return 0;
}
