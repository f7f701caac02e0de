// Where a webhook goes and what signs it, as rules name it: any secret has a key or none, any
// address is public or not.
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "adapters/webhook/address.h"
#include "adapters/webhook/signature.h"

namespace {

bool is_public4(const unsigned char* bytes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, bytes, 4);
  return ia::is_public(reinterpret_cast<const sockaddr&>(address));
}

bool is_public6(const unsigned char* bytes) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, bytes, 16);
  if (ia::shown(reinterpret_cast<const sockaddr&>(address)).empty()) std::abort();
  return ia::is_public(reinterpret_cast<const sockaddr&>(address));
}

// An IPv6 address that wraps an IPv4 one is exactly as public as that.
void check_address(const unsigned char* four) {
  unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::memcpy(mapped + 12, four, 4);
  if (is_public6(mapped) != is_public4(four)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto key = ia::webhook_key(text);
  if (!text.starts_with("whsec_") && !key.empty()) std::abort();
  if (!ia::webhook_signature(key, text, "1", text).starts_with("v1,")) std::abort();
  unsigned char bytes[16] = {};
  std::memcpy(bytes, data, std::min<std::size_t>(size, sizeof bytes));
  check_address(bytes);
  (void)is_public6(bytes);
  return 0;
}
