#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ia {

// Nothing when the bytes are not a whole gzip file.
std::optional<std::string> gunzip(std::string_view bytes);

}  // namespace ia
