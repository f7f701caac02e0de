#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ia {

// The sections of one of AWS's shared files: name -> key -> value. "[default]", "[profile name]"
// (config) and "[name]" (credentials) all count as `name`. "#" and ";" begin comments at the front
// of a line and behind white space. As AWS's own tools have it, a line that is indented deeper than
// the setting before it belongs to that one ("s3 =" and what is below) and is left out; settings of
// a section may all be indented.
using SqsProfiles = std::map<std::string, std::map<std::string, std::string>>;

SqsProfiles parse_sqs_profiles(std::string_view text);

// An empty one when there is no such file. kInvalid: one that cannot be read.
Result<SqsProfiles> read_sqs_profiles(const std::filesystem::path& path);

}  // namespace ia
