// One connection's bytes: the requests found do not depend on how the bytes are split, and nothing
// outside the buffer is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "http/request_reader.h"

namespace {

using namespace ia;

std::vector<std::string> requests_in(std::string_view bytes, std::size_t piece) {
  HttpRequestReader reader({.target_bytes = 64, .header_bytes = 512, .body_bytes = 128});
  std::vector<std::string> found;
  for (;;) {
    switch (reader.next()) {
      case HttpRequestReader::Event::kRequest:
        found.emplace_back(reader.request().target);
        if (!reader.keeps_connection()) return found;
        break;
      case HttpRequestReader::Event::kRefused:
        found.push_back("refused");
        return found;
      case HttpRequestReader::Event::kMore: {
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

constexpr std::string_view kBeginning = "POST /a HTTP/1.1\r\nHost: h\r\n";

void check_pieces(std::string_view bytes, std::size_t piece) {
  if (requests_in(bytes, piece) != requests_in(bytes, 100'000)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 97;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  check_pieces(bytes, piece);
  check_pieces(std::string(kBeginning).append(bytes),
               piece);  // so that it gets past the first line
  return 0;
}
