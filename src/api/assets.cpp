#include "api/assets.h"

#include <fmt/format.h>

#include "api/asset_bytes.h"
#include "api/hash.h"
#include "api/http.h"

namespace ia::assets {
namespace {

Asset make(std::string_view content_type, std::string_view bytes) {
  Hash64 hash;
  hash.add(bytes.size());
  for (const char c : bytes) hash.add(static_cast<unsigned char>(c));
  return {content_type, bytes, fmt::format("\"{:016x}\"", hash.value())};
}

}  // namespace

const Asset& openapi() {
  static const Asset asset = make(content_type::kJson, asset_bytes::openapi());
  return asset;
}
const Asset& page() {
  static const Asset asset = make(content_type::kHtml, asset_bytes::index());
  return asset;
}
const Asset& script() {
  static const Asset asset = make(content_type::kScript, asset_bytes::app());
  return asset;
}
const Asset& style() {
  static const Asset asset = make(content_type::kStyle, asset_bytes::style());
  return asset;
}
const Asset& icon() {
  static const Asset asset = make(content_type::kIcon, asset_bytes::icon());
  return asset;
}

}  // namespace ia::assets
