#pragma once

#include <string_view>

// Made by embed.cmake: the files' bytes.
namespace ia::asset_bytes {
std::string_view openapi();
std::string_view index();
std::string_view app();
std::string_view style();
std::string_view icon();
}  // namespace ia::asset_bytes
