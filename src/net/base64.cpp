#include "net/base64.h"

#include <openssl/evp.h>

namespace ia {

std::string base64(std::string_view bytes) {
  // One more: libcrypto ends it with a zero byte.
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                    reinterpret_cast<const unsigned char*>(bytes.data()),
                                    static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace ia
