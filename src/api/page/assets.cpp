#include "api/page/assets.h"

#include <map>

#include "api/page/embedded_files.h"
#include "base/hash.h"
#include "http/message.h"

namespace ia {
namespace {

std::string_view content_type_of(std::string_view path) {
  if (path.ends_with(".js")) return content_type::kScript;
  if (path.ends_with(".css")) return content_type::kStyle;
  if (path.ends_with(".svg")) return content_type::kIcon;
  if (path.ends_with(".json")) return content_type::kJson;
  return content_type::kHtml;
}

Asset make(const EmbeddedFile& file) {
  Hash64 hash;
  hash.add(file.bytes.size());
  for (const char c : file.bytes) hash.add(static_cast<unsigned char>(c));
  return {.content_type = content_type_of(file.path),
          .bytes = file.bytes,
          .gzipped = file.gzipped,
          .etag = etag_of(hash),
          .is_immutable = file.path.starts_with("/assets/")};
}

}  // namespace

const Asset* find_asset(std::string_view path) {
  static const auto assets = [] {
    std::map<std::string_view, Asset> all;
    for (const auto& file : embedded_files()) all.emplace(file.path, make(file));
    return all;
  }();
  const auto found = assets.find(path);
  return found == assets.end() ? nullptr : &found->second;
}

}  // namespace ia
