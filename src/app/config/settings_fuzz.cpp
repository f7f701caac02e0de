// Settings as people write them: a TOML file, the environment, and the value of every setting.
// Reading them ends well, and each mistake is a sentence.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "app/config/config_sources.h"
#include "app/config/setting_values.h"
#include "app/config/settings.h"

namespace {

using namespace ia;

void check_that(bool holds) {
  if (!holds) std::abort();
}

// Some settings name files, which are not to be read here.
bool names_a_file(const std::string& name, std::string_view text) {
  return name == "config" || name == "api_token_file" || text.find('/') != std::string_view::npos ||
         text.find('.') != std::string_view::npos;
}

void check_read(const ReadValues& read) {
  for (const auto& error : read.errors) check_that(!error.empty());
  for (const auto& value : read.values) {
    const auto* setting = find_setting(value.name);
    check_that(setting != nullptr);
    if (names_a_file(value.name, value.text)) continue;
    Config config;
    const auto applied = setting->value.apply(value.text, config);
    check_that(applied || !applied.error().message.empty());
    (void)setting->value.shown(value.text);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

void apply_to_all(const std::string& text) {
  for (const auto& setting : settings()) {
    if (names_a_file(setting.name, text)) continue;
    Config config;
    const auto applied = setting.value.apply(text, config);
    check_that(applied || !applied.error().message.empty());
    (void)setting.value.shown(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  check_read(read_config_text(text, "ia.toml"));
  check_read(read_environment(lines_of(text)));
  if (size < 200) apply_to_all(text);
  if (const auto bound = parse_time_bound(text)) (void)resolve(*bound, WallTime{});
  if (const auto duration = parse_duration(text)) {
    check_that(parse_duration(format_duration(*duration)) == duration);
  }
  (void)mask_credentials(text);
  (void)mask_passwords(text);
  return 0;
}
