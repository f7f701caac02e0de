#include "api/page/badge.h"

#include <fmt/format.h>

#include <vector>

#include "base/grouped.h"
#include "base/times.h"
#include "base/utf8.h"

namespace ia {
namespace {

constexpr std::size_t kNameCharactersMax = 24;
constexpr std::string_view kEllipsis = "\u2026";
constexpr std::string_view kMinus = "\u2212";

// Of a font of 12 px. Fonts differ: textLength stretches what is set to what was reckoned.
constexpr int kCharacterWidth = 7;
constexpr int kWideCharacterWidth = 12;
constexpr int kMargin = 10;

// Every pair of ink and ground has a contrast of 5.9 : 1 or more.
constexpr std::string_view kStyle =
    "text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    ".ground{fill:#fff;stroke:#c9ced6}.name{fill:#16181d;font-weight:700}.count{fill:#454c57}"
    ".up{fill:#17703c}.down{fill:#b3261e}"
    "@media(prefers-color-scheme:dark){.ground{fill:#191c20;stroke:#3a4048}.name{fill:#eceef1}"
    ".count{fill:#b4bbc6}.up{fill:#5fd38d}.down{fill:#ff9a8f}}";

// Text as it stands in the picture.
struct Label {
  std::string_view style;  // a class of kStyle
  std::string xml{};
  int width = 0;
};

void append_escaped(std::string& xml, std::string_view character) {
  if (character == "&") {
    xml += "&amp;";
  } else if (character == "<") {
    xml += "&lt;";
  } else if (character == ">") {
    xml += "&gt;";
  } else {
    xml += character;
  }
}

bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  return lead < 0x20 || lead == 0x7f;
}

// One that XML can say, off the front of the text.
std::string_view next_character(std::string_view& text) {
  constexpr std::string_view kNoCharacters[] = {"\xef\xbf\xbe", "\xef\xbf\xbf"};
  const auto size = utf8_bytes(text);
  const auto character = text.substr(0, size);
  text.remove_prefix(size == 0 ? 1 : size);
  if (size == 0 || is_control(character)) return kReplacement;
  for (const auto none : kNoCharacters) {
    if (character == none) return kReplacement;
  }
  return character;
}

Label label(std::string_view style, std::string_view text, std::size_t characters_max = 1'000) {
  // From U+3000 on, nearly all take the room of two.
  constexpr unsigned char kWideLead = 0xe3;
  Label made{.style = style};
  for (std::size_t count = 1; !text.empty(); ++count) {
    auto character = next_character(text);
    if (count == characters_max && !text.empty()) {
      character = kEllipsis;
      text = {};
    }
    const bool is_wide = static_cast<unsigned char>(character.front()) >= kWideLead;
    made.width += is_wide ? kWideCharacterWidth : kCharacterWidth;
    append_escaped(made.xml, character);
  }
  return made;
}

Label change_label(std::int64_t change) {
  if (change == 0) return label("count", "unchanged in 24 h");
  const bool is_up = change > 0;
  return label(is_up ? "up" : "down", fmt::format("{}{} in 24 h", is_up ? "+" : kMinus,
                                                  grouped(is_up ? change : -change)));
}

std::vector<Label> labels_of(const Badge& badge) {
  std::vector<Label> labels{label("name", badge.name, kNameCharactersMax)};
  if (!badge.value) {
    labels.push_back(label("count", "no value yet"));
    return labels;
  }
  labels.push_back(label("count", grouped(badge.value->followers) + " followers"));
  if (badge.value->day_change) labels.push_back(change_label(*badge.value->day_change));
  if (badge.value->is_damaged) labels.push_back(label("count", "24 h before: damaged"));
  return labels;
}

std::string title_of(const Badge& badge, const std::vector<Label>& labels) {
  std::string title = labels.front().xml;
  for (std::size_t i = 1; i < labels.size(); ++i) title += (i == 1 ? ": " : ", ") + labels[i].xml;
  if (badge.value) {
    title += ", as of ";
    append_time(title, badge.value->as_of, false);
  }
  return title;
}

}  // namespace

std::string draw_badge(const Badge& badge) {
  const auto labels = labels_of(badge);
  std::string texts;
  int right = kMargin;
  for (const auto& [style, xml, width] : labels) {
    texts += fmt::format(R"(<text class="{}" x="{}" y="16" textLength="{}">{}</text>)", style,
                         right, width, xml);
    right += width + kMargin;
  }
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="24" role="img">)"
      R"(<title>{1}</title><style>{2}</style>)"
      R"(<rect class="ground" x=".5" y=".5" width="{3}" height="23" rx="6"/>{4}</svg>)",
      right, title_of(badge, labels), kStyle, right - 1, texts);
}

}  // namespace ia
