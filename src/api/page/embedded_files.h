#pragma once

#include <span>
#include <string_view>

namespace ia {

// Made by embed.cmake: a file that was built into the program.
struct EmbeddedFile {
  std::string_view path;  // where it is served
  std::string_view bytes;
  std::string_view gzipped;  // the same, compressed
};
std::span<const EmbeddedFile> embedded_files();

}  // namespace ia
