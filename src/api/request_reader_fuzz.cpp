// One connection's bytes: the requests found do not depend on how the bytes are split, and nothing
// outside the buffer is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "api/request_reader.h"

namespace {

using namespace ia;

std::vector<std::string> requests_in(std::string_view bytes, std::size_t piece) {
  RequestReader reader({.target_bytes = 64, .header_bytes = 512, .body_bytes = 128});
  std::vector<std::string> found;
  for (;;) {
    switch (reader.next()) {
      case RequestReader::Event::kRequest:
        found.emplace_back(reader.request().target);
        if (!reader.keeps_connection()) return found;
        break;
      case RequestReader::Event::kRefused:
        found.push_back("refused");
        return found;
      case RequestReader::Event::kMore: {
        if (bytes.empty()) return found;
        const auto space = reader.space();
        if (space.empty()) std::abort();
        const auto count = std::min({piece, space.size(), bytes.size()});
        std::memcpy(space.data(), bytes.data(), count);
        reader.received(count);
        bytes.remove_prefix(count);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 97;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (requests_in(bytes, piece) != requests_in(bytes, 100'000)) std::abort();
  return 0;
}
