#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ia {

// A request target, cut in two; both parts are still escaped.
struct Target {
  std::string_view path;   // begins with "/"
  std::string_view query;  // what stands behind the first "?"
};

// Accepts "/path?query" and "http://host/path?query", the scheme in any case; nothing for any other
// form. A fragment is not allowed in a request.
std::optional<Target> split_target(std::string_view target);
// The "host" or "host:port" of "http://host:port/path", which takes the place of the Host field
// (RFC 9112, section 3.2.2); nothing for any other form. It may be empty or malformed.
std::optional<std::string_view> authority_of(std::string_view target);

// Resolves %XX in a path. Nothing when an escape is not one.
std::optional<std::string> unescape(std::string_view text);
// Resolves a name or a value of a query or a form, in which a plus sign stands for a blank.
std::optional<std::string> unescape_query(std::string_view text);

// Cuts "name=value" off the front of a query; still escaped.
struct QueryPiece {
  std::string_view name;
  std::string_view value;
};
QueryPiece next_piece(std::string_view& query);

}  // namespace ia
