#include "base/hash.h"

#include <fmt/format.h>

namespace ia {

std::string etag_of(const Hash64& hash) { return fmt::format("\"{:016x}\"", hash.value()); }

}  // namespace ia
