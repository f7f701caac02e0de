#pragma once

#include <string>
#include <string_view>

namespace ia {

// A file that was built into the program.
struct Asset {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzipped;  // the same, compressed
  std::string etag;          // of the bytes
  // Its name changes with its content, so the name never means another content.
  bool is_immutable = false;
};

// What is served at the path: "/" (web/index.html), "/icon.svg", "/openapi.json", and what the
// page loads (web/src, bundled), at names like "/assets/app-1f2e3d4c5b6a7988.js". Null when there
// is none. Safe from any thread.
const Asset* find_asset(std::string_view path);

}  // namespace ia
