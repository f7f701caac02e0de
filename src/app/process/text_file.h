#pragma once

#include <string>

#include "base/error.h"

namespace ia {

// The whole content of a file or pipe, at most 1 GiB, without the byte order mark that editors put
// before UTF-8. Text in UTF-16 is kInvalid. The error's message completes "it ...".
Result<std::string> read_text_file(const std::string& path);

}  // namespace ia
