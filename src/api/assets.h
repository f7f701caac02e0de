#pragma once

#include <string>
#include <string_view>

namespace ia {

// A file that was built into the program.
struct Asset {
  std::string_view content_type;
  std::string_view bytes;
  std::string etag;  // of the bytes
};

namespace assets {
const Asset& openapi();  // docs/openapi.json
const Asset& page();     // web/index.html
const Asset& script();   // web/src, bundled
const Asset& style();    // web/src/style.css and that of uPlot
const Asset& icon();     // web/icon.svg
}  // namespace assets

}  // namespace ia
