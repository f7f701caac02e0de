#include "app/config/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "app/config/config.h"
#include "app/config/settings.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// With UPDATE_GENERATED set, writes the file instead.
void expect_in_sync(const char* path, const std::string& wanted) {
  const auto file = std::filesystem::path(IA_SOURCE_DIR) / path;
  if (std::getenv("UPDATE_GENERATED") != nullptr) std::ofstream(file) << wanted;
  EXPECT_EQ(content_of(file), wanted)
      << "UPDATE_GENERATED=1 ctest -R GeneratedFiles writes it anew";
}

TEST(GeneratedFiles, ExampleConfigIsInSyncWithTheSettings) {
  expect_in_sync("deploy/influencer-analytics.example.toml", example_config());
}

TEST(GeneratedFiles, ConfigurationPageIsInSyncWithTheSettings) {
  expect_in_sync("docs/configuration.md", configuration_page());
}

// "# name = value" lines with their "# " removed.
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool setting = line.starts_with("# ") && line.find(" = \"") != std::string::npos;
    const bool has_value = !line.ends_with("\"\"");
    if (setting && has_value) out += line.substr(2) + "\n";
  }
  return out;
}

TEST(ExampleConfig, HasEverySettingAndIsValidWhenUncommented) {
  const auto text = example_config();
  for (const auto& setting : settings()) {
    if (setting.name == "config") continue;
    EXPECT_THAT(text, HasSubstr("\n# " + std::string(setting.name) + " = "));
  }
  TempDir dir;
  const auto path = (dir.path() / "ia.toml").string();
  std::ofstream(path) << uncommented(text);
  const auto loaded = load_config(Command::kCheckConfig, {{{"config", path, "--config"}}, {}}, {});

  EXPECT_THAT(loaded ? ConfigErrors{} : loaded.error(), IsEmpty());
  EXPECT_EQ(loaded->effective.back().where.substr(0, path.size()), path);
}

TEST(Help, IsThereForEveryCommandAndFitsATerminal) {
  for (const auto& info : commands()) {
    const auto text = help_text(info.command);
    EXPECT_THAT(text, HasSubstr(std::string(info.example)));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("Example:")) continue;
      EXPECT_LE(line.size(), 100u) << line;
    }
  }
}

}  // namespace
}  // namespace ia
