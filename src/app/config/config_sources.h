#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "app/config/settings.h"

namespace ia {

// From "NAME=value" strings. A name that begins with IA_ and is no setting is an error, unless it
// is one of those that Kubernetes sets in every pod for a service whose name begins with "ia"
// (IA_PORT=tcp://10.0.0.1:80, IA_SERVICE_HOST, ...): a note names them.
ReadValues read_environment(std::span<const std::string> environment);

// From a TOML file of "setting = value" lines; no path gives no values. An unknown key, a key
// twice, a table, or a value that is neither text, number nor boolean is an error with its line.
ReadValues read_config_file(const std::string& path);

// The same from the file's content; `path` is what the errors call it.
ReadValues read_config_text(std::string_view text, const std::string& path);

// The value of "config": from the flags, else from the environment, else none.
std::string chosen_config_file(std::span<const GivenValue> flags,
                               std::span<const GivenValue> environment);

// "; did you mean X?", or nothing when nothing is near.
std::string did_you_mean(std::string_view wrong, std::span<const std::string> names);

// The setting that other programs call `name` ("port" is "listen" here), or null.
const Setting* setting_called(std::string_view name);

}  // namespace ia
