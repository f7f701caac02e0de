#include "adapters/sqs/profile.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/byte_order_mark.h"

namespace ia {
namespace {

constexpr auto kBlank = " \t\r";
constexpr auto kNoSetting = std::string_view::npos;

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = line[i] == '#' || line[i] == ';';
    if (begins && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
  }
  return line;
}

std::string section_name(std::string_view line) {
  auto name = trimmed(line.substr(1, line.find(']') - 1));
  constexpr std::string_view kProfile = "profile ";
  if (name.starts_with(kProfile)) name = trimmed(std::string_view(name).substr(kProfile.size()));
  return name;
}

}  // namespace

SqsProfiles parse_sqs_profiles(std::string_view text) {
  SqsProfiles profiles;
  std::map<std::string, std::string>* section = nullptr;
  auto indent = kNoSetting;  // of the setting that deeper lines belong to
  if (has_byte_order_mark(text)) text.remove_prefix(kByteOrderMark.size());
  std::istringstream lines{std::string(text)};
  for (std::string whole; std::getline(lines, whole);) {
    const auto line = without_comment(whole);
    const auto content = trimmed(line);
    if (content.empty()) continue;
    const auto own_indent = line.find_first_not_of(kBlank);
    if (indent != kNoSetting && own_indent > indent) continue;
    if (content.starts_with('[')) {
      section = &profiles[section_name(content)];
      indent = kNoSetting;
      continue;
    }
    indent = own_indent;
    const auto equals = content.find('=');
    if (section == nullptr || equals == std::string::npos) continue;
    (*section)[trimmed(std::string_view(content).substr(0, equals))] =
        trimmed(std::string_view(content).substr(equals + 1));
  }
  return profiles;
}

Result<SqsProfiles> read_sqs_profiles(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return SqsProfiles{};
  std::ifstream file(path);
  std::string text;
  std::array<char, 4096> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    return fail(Errc::kInvalid, path.string() + " cannot be read: " + std::strerror(errno));
  }
  return parse_sqs_profiles(text);
}

}  // namespace ia
