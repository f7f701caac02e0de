// Masks what looks like a secret, then cuts, then escapes: a secret that the cut divides is masked
// as a whole.
#include "net/excerpt.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/http_head.h"
#include "base/printable.h"

namespace ia {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kLookAhead = 256;
constexpr std::size_t kRandomRun = 40;  // characters

struct Key {
  std::string_view name;
  bool takes_line = false;  // its value goes on to the end of the line
};
constexpr std::array kKeys = {
    Key{"authorization", true}, Key{"cookie", true}, Key{"token"},     Key{"secret"},
    Key{"password"},            Key{"passwd"},       Key{"api_key"},   Key{"apikey"},
    Key{"api-key"},             Key{"access_key"},   Key{"accesskey"}, Key{"session"},
    Key{"signature"},           Key{"credential"}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_run(char c) {
  return is_letter(c) || is_digit(c) || std::string_view("_+=-").find(c) != std::string_view::npos;
}

bool begins_with(std::string_view text, std::string_view lower) {
  return http1::equals(text.substr(0, lower.size()), lower);
}

std::size_t run_size(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_run) - text.begin());
}

bool is_random(std::string_view run) {
  return run.size() >= kRandomRun && std::ranges::any_of(run, is_digit) &&
         std::ranges::any_of(run, is_letter);
}

// From a name to its value: `"token" : "`, `token=`, `<token>`. None if no value follows.
std::optional<std::size_t> value_begins(std::string_view text, std::size_t name_end) {
  constexpr std::string_view kAround = " \t\"'\\";
  auto at = text.find_first_not_of(kAround, name_end + run_size(text.substr(name_end)));
  // A run may hold the sign itself.
  if (const auto sign = text.substr(name_end, at - name_end).find('='); sign != text.npos) {
    at = name_end + sign;
  }
  if (at >= text.size() || std::string_view(":=>").find(text[at]) == text.npos) return std::nullopt;
  return std::min(text.find_first_not_of(kAround, at + 1), text.size());
}

std::size_t value_ends(std::string_view text, std::size_t begin, bool takes_line) {
  const std::string_view ends = takes_line ? "\r\n\"'<" : " \t\r\n\"'\\,;&<>)}]";
  return std::min(text.find_first_of(ends, begin), text.size());
}

class Masking {
 public:
  explicit Masking(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (!mask_value() && !mask_bearer() && !mask_run()) out_ += text_[at_++];
    }
    return std::move(out_);
  }

 private:
  void mask(std::size_t begin, std::size_t end) {
    out_ += text_.substr(at_, begin - at_);
    if (end > begin) out_ += kMask;
    at_ = end;
  }

  bool mask_value() {
    const auto rest = text_.substr(at_);
    const auto* key = std::ranges::find_if(
        kKeys, [rest](const Key& one) { return begins_with(rest, one.name); });
    if (key == kKeys.end()) return false;
    const auto begin = value_begins(text_, at_ + key->name.size());
    if (!begin) return false;
    mask(*begin, value_ends(text_, *begin, key->takes_line));
    return true;
  }

  bool mask_bearer() {
    for (const std::string_view scheme : {"bearer ", "basic "}) {
      if (!begins_with(text_.substr(at_), scheme)) continue;
      const auto begin = at_ + scheme.size();
      mask(begin, value_ends(text_, begin, false));
      return true;
    }
    return false;
  }

  bool mask_run() {
    if (at_ > 0 && is_run(text_[at_ - 1])) return false;
    const auto size = run_size(text_.substr(at_));
    if (!is_random(text_.substr(at_, size))) return false;
    mask(at_, at_ + size);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

// Without the beginning of a run whose length is not known.
std::string_view without_cut_run(std::string_view text) {
  const auto begin = std::find_if_not(text.rbegin(), text.rend(), is_run).base() - text.begin();
  const auto size = text.size() - static_cast<std::size_t>(begin);
  return size < kRandomRun ? text.substr(0, text.size() - size) : text;
}

}  // namespace

std::string excerpt(std::string_view bytes, std::size_t bytes_max) {
  auto window = bytes.substr(0, bytes_max + kLookAhead);
  if (window.size() < bytes.size()) window = without_cut_run(window);
  const auto masked = Masking(window).run();
  const auto shown = std::string_view(masked).substr(0, bytes_max);
  auto out = printable_ascii(shown);
  if (shown.size() < masked.size() || window.size() < bytes.size()) out += "...";
  return out;
}

}  // namespace ia
