#pragma once

#include <string>

#include "app/config/command.h"

namespace ia {

// Written from the table of settings.

// All commands, a line each.
std::string overview_text();
// One command: what it does, an example, its settings by group.
std::string help_text(Command command);

// deploy/influencer-analytics.example.toml: every setting, commented out, at its default.
std::string example_config();
// docs/configuration.md.
std::string configuration_page();

}  // namespace ia
