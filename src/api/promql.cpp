#include "api/promql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "api/target.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using Node = std::unique_ptr<PromExpression>;
template <class T>
using Parsed = std::expected<T, std::string>;

constexpr std::size_t kTextMax = 8'192;
constexpr int kDepthMax = 32;
constexpr double kDurationMax = 100 * 365.25 * 86'400'000;

constexpr std::array<std::pair<std::string_view, PromAggregation>, 7> kAggregations = {{
    {"sum", PromAggregation::kSum},
    {"avg", PromAggregation::kAvg},
    {"min", PromAggregation::kMin},
    {"max", PromAggregation::kMax},
    {"count", PromAggregation::kCount},
    {"topk", PromAggregation::kTopk},
    {"bottomk", PromAggregation::kBottomk},
}};
constexpr std::array<std::pair<std::string_view, PromFunction>, 11> kFunctions = {{
    {"abs", PromFunction::kAbs},
    {"delta", PromFunction::kDelta},
    {"increase", PromFunction::kDelta},
    {"rate", PromFunction::kRate},
    {"deriv", PromFunction::kDeriv},
    {"avg_over_time", PromFunction::kAvgOverTime},
    {"min_over_time", PromFunction::kMinOverTime},
    {"max_over_time", PromFunction::kMaxOverTime},
    {"sum_over_time", PromFunction::kSumOverTime},
    {"count_over_time", PromFunction::kCountOverTime},
    {"last_over_time", PromFunction::kLastOverTime},
}};
// Longer ones first, so that "<=" is not read as "<".
constexpr std::array<std::pair<std::string_view, PromBinary>, 11> kBinaries = {{
    {"==", PromBinary::kEqual},
    {"!=", PromBinary::kNotEqual},
    {"<=", PromBinary::kLessOrEqual},
    {">=", PromBinary::kGreaterOrEqual},
    {"<", PromBinary::kLess},
    {">", PromBinary::kGreater},
    {"+", PromBinary::kAdd},
    {"-", PromBinary::kSubtract},
    {"*", PromBinary::kMultiply},
    {"/", PromBinary::kDivide},
    {"%", PromBinary::kModulo},
}};
constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {{
    {"ms", 1},
    {"s", 1'000},
    {"m", 60'000},
    {"h", 3'600'000},
    {"d", 86'400'000},
    {"w", 7 * 86'400'000.0},
    {"y", 365 * 86'400'000.0},
}};

template <class Table>
auto find_in(const Table& table, std::string_view word)
    -> std::optional<decltype(table[0].second)> {
  const auto found = std::ranges::find(table, word, [](const auto& row) { return row.first; });
  if (found == table.end()) return std::nullopt;
  return found->second;
}

bool is_digit(char c) { return '0' <= c && c <= '9'; }
bool is_letter(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == ':'; }

// How tightly it binds.
int level_of(PromBinary binary) {
  if (binary >= PromBinary::kEqual) return 1;
  return binary <= PromBinary::kSubtract ? 2 : 3;
}

std::string unsupported(std::string_view what) {
  return fmt::format(
      "'{}' is not understood here; functions: abs, delta, increase, rate, deriv and avg, "
      "min, max, sum, count, last _over_time; aggregations: sum, avg, min, max, count, topk, "
      "bottomk",
      excerpt(what));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Parsed<Node> parse() {
    auto node = expression(0);
    if (!node) return node;
    skip();
    if (at_ < text_.size())
      return wrong("nothing more, or an operator (+ - * / % == != < > <= >=)");
    return node;
  }

 private:
  std::unexpected<std::string> wrong(std::string_view expected) const {
    const auto rest = text_.substr(at_);
    return std::unexpected(fmt::format("at character {}: expected {}, got {}", at_ + 1, expected,
                                       rest.empty() ? "the end" : "'" + excerpt(rest) + "'"));
  }

  void skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::string_view peek_name() {
    skip();
    auto end = at_;
    if (end < text_.size() && (is_letter(text_[end]) || text_[end] == ':')) {
      while (end < text_.size() && is_name_char(text_[end])) ++end;
    }
    return text_.substr(at_, end - at_);
  }
  std::string_view take_name() {
    const auto name = peek_name();
    at_ += name.size();
    return name;
  }

  Parsed<Node> expression(int level_min) {
    if (++depth_ > kDepthMax) return std::unexpected("the expression is nested too deeply");
    auto left = operand();
    while (left) {
      const auto begin = at_;
      const auto binary = take_binary();
      if (!binary || level_of(*binary) <= level_min) {
        at_ = begin;
        break;
      }
      left = with_right(std::move(*left), *binary);
    }
    --depth_;
    return left;
  }

  std::optional<PromBinary> take_binary() {
    for (const auto& [token, binary] : kBinaries) {
      if (take(token)) return binary;
    }
    return std::nullopt;
  }

  Parsed<Node> with_right(Node left, PromBinary binary) {
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kBinary;
    node->binary = binary;
    if (peek_name() == "bool") {
      if (level_of(binary) != 1) return wrong("an operand ('bool' is for comparisons)");
      node->returns_bool = true;
      take_name();
    }
    for (const std::string_view word : {"on", "ignoring", "group_left", "group_right"}) {
      if (peek_name() == word) return wrong("an operand (series match by all their labels here)");
    }
    auto right = expression(level_of(binary));
    if (!right) return right;
    node->operands.push_back(std::move(left));
    node->operands.push_back(std::move(*right));
    return node;
  }

  Parsed<Node> operand() {
    if (take("-")) return negated();
    if (take("+")) return operand_deeper();
    if (take("(")) {
      auto inner = expression(0);
      if (inner && !take(")")) return wrong("')'");
      return inner;
    }
    skip();
    if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) return number();
    if (at_ < text_.size() && text_[at_] == '{') return selector("");
    const auto name = take_name();
    if (name.empty()) return wrong("a number, a metric, a function or '('");
    return named(name);
  }

  Parsed<Node> operand_deeper() {
    if (++depth_ > kDepthMax) return std::unexpected("the expression is nested too deeply");
    auto node = operand();
    --depth_;
    return node;
  }

  Parsed<Node> negated() {
    auto inner = operand_deeper();
    if (!inner) return inner;
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kNegation;
    node->operands.push_back(std::move(*inner));
    return node;
  }

  Parsed<Node> number() {
    auto node = std::make_unique<PromExpression>();
    const auto* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, node->number);
    if (error != std::errc{}) return wrong("a number");
    at_ = static_cast<std::size_t>(stop - text_.data());
    if (at_ < text_.size() && is_name_char(text_[at_])) return wrong("a number without a unit");
    return node;
  }

  Parsed<Node> named(std::string_view name) {
    if (const auto aggregation = find_in(kAggregations, name)) return aggregate(*aggregation);
    skip();
    if (at_ < text_.size() && text_[at_] == '(') return call(name);
    const auto is = [&](std::string_view word) {
      return std::ranges::equal(name, word, {}, [](char c) {
        return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
    };
    if (is("nan") || is("inf")) {
      auto node = std::make_unique<PromExpression>();
      node->number = is("inf") ? std::numeric_limits<double>::infinity() : std::nan("");
      return node;
    }
    return selector(name);
  }

  Parsed<Node> call(std::string_view name) {
    const auto function = find_in(kFunctions, name);
    if (!function) return std::unexpected(unsupported(name));
    auto inner = in_parentheses();
    if (!inner) return inner;
    const bool wants_window = *function != PromFunction::kAbs;
    const auto& selector = **inner;
    const bool has_window = selector.kind == PromExpression::Kind::kSelector &&
                            selector.selector.window > milliseconds{0};
    if (wants_window != has_window) {
      return std::unexpected(fmt::format(
          "{} needs {}", name,
          wants_window ? "a metric over a time, like x[1h]" : "values, not a metric over a time"));
    }
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kCall;
    node->function = *function;
    node->operands.push_back(std::move(*inner));
    return node;
  }

  Parsed<Node> in_parentheses() {
    if (!take("(")) return wrong("'('");
    auto inner = expression(0);
    if (inner && !take(")")) return wrong("')'");
    return inner;
  }

  Parsed<Node> aggregate(PromAggregation aggregation) {
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kAggregation;
    node->aggregation = aggregation;
    if (auto done = take_grouping(*node); !done) return std::unexpected(done.error());
    if (!take("(")) return wrong("'('");
    const bool counts =
        aggregation == PromAggregation::kTopk || aggregation == PromAggregation::kBottomk;
    if (counts) {
      const auto how_many = expression(0);
      if (!how_many) return std::unexpected(how_many.error());
      if ((*how_many)->kind != PromExpression::Kind::kNumber || !take(",")) {
        return wrong("a number of series and ','");
      }
      node->parameter = (*how_many)->number;
    }
    auto inner = expression(0);
    if (!inner) return inner;
    if (!take(")")) return wrong("')'");
    node->operands.push_back(std::move(*inner));
    if (auto done = take_grouping(*node); !done) return std::unexpected(done.error());
    return node;
  }

  Parsed<void> take_grouping(PromExpression& node) {
    const auto word = peek_name();
    if (word != "by" && word != "without") return {};
    node.is_without = word == "without";
    take_name();
    if (!take("(")) return wrong("'('");
    while (!take(")")) {
      const auto label = take_name();
      if (label.empty()) return wrong("a label");
      node.grouping.emplace_back(label);
      if (take(",")) continue;
      if (take(")")) break;
      return wrong("',' or ')'");
    }
    return {};
  }

  Parsed<Node> selector(std::string_view metric) {
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kSelector;
    auto& selector = node->selector;
    selector.metric = metric;
    if (take("{")) {
      if (auto done = matchers(selector); !done) return std::unexpected(done.error());
    }
    if (take("[")) {
      const auto window = duration();
      if (!window) return std::unexpected(window.error());
      if (*window <= milliseconds{0}) return wrong("a time above 0");
      if (!take("]")) return wrong("']' (subqueries are not understood here)");
      selector.window = *window;
    }
    if (peek_name() != "offset") return node;
    take_name();
    const bool is_ahead = take("-");
    const auto offset = duration();
    if (!offset) return std::unexpected(offset.error());
    selector.offset = is_ahead ? -*offset : *offset;
    return node;
  }

  Parsed<void> matchers(PromSelector& selector) {
    while (!take("}")) {
      auto label = std::string(take_name());
      if (label.empty()) return wrong("a label");
      auto matcher = this->matcher(std::move(label));
      if (!matcher) return std::unexpected(matcher.error());
      if (matcher->label != "__name__") {
        selector.matchers.push_back(std::move(*matcher));
      } else if (matcher->wanted && matcher->values.size() == 1 && selector.metric.empty()) {
        selector.metric = matcher->values[0];
      } else if (matcher->wanted) {
        return std::unexpected("name one metric: influencer_follower_count{...}");
      }
      if (take(",")) continue;
      if (take("}")) break;
      return wrong("',' or '}'");
    }
    return {};
  }

  Parsed<PromMatcher> matcher(std::string label) {
    PromMatcher matcher{.label = std::move(label), .values = {}};
    const bool is_regex_not = take("!~");
    const bool is_regex = is_regex_not || take("=~");
    const bool is_not = is_regex_not || (!is_regex && take("!="));
    if (!is_regex && !is_not && !take("=")) return wrong("=, !=, =~ or !~");
    matcher.wanted = !is_not;
    auto value = string();
    if (!value) return std::unexpected(value.error());
    if (!is_regex) {
      matcher.values.push_back(std::move(*value));
      return matcher;
    }
    if (auto done = take_words(*value, matcher); !done) return std::unexpected(done.error());
    return matcher;
  }

  static Parsed<void> take_words(std::string_view pattern, PromMatcher& matcher) {
    if (pattern == ".*" || pattern == ".+") {
      matcher.is_anything = true;
      if (pattern == ".+") matcher.values.emplace_back();
      return {};
    }
    if (pattern.starts_with('(') && pattern.ends_with(')')) {
      pattern = pattern.substr(1, pattern.size() - 2);
    }
    std::string word;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '|') {
        matcher.values.push_back(std::exchange(word, {}));
        continue;
      }
      const bool is_escape = pattern[i] == '\\' && i + 1 < pattern.size();
      if (!is_escape && std::string_view(".*+?()[]{}^$\\").find(pattern[i]) != pattern.npos) {
        return std::unexpected(
            "of regular expressions, only words with | between them are "
            "understood here: =~\"1000000|1000001\"");
      }
      word.push_back(pattern[is_escape ? ++i : i]);
    }
    matcher.values.push_back(std::move(word));
    return {};
  }

  Parsed<std::string> string() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '"' && quote != '\'' && quote != '`') return wrong("a text in quotes");
    std::string value;
    for (auto i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        at_ = i + 1;
        return value;
      }
      if (text_[i] != '\\' || quote == '`') {
        value.push_back(text_[i]);
        continue;
      }
      if (++i == text_.size()) break;
      if (is_letter(text_[i]) || is_digit(text_[i])) {
        at_ = i;
        return wrong("one of \\\\ \\\" \\' after a backslash");
      }
      value.push_back(text_[i]);
    }
    return wrong("a closing quote");
  }

  Parsed<milliseconds> duration() {
    skip();
    auto end = at_;
    while (end < text_.size() && (is_digit(text_[end]) || is_letter(text_[end]))) ++end;
    const auto parsed = parse_prom_duration(text_.substr(at_, end - at_));
    if (!parsed) return wrong("a time like 5m, 1h30m or 1d");
    at_ = end;
    return *parsed;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

bool PromMatcher::holds(std::string_view value) const {
  if (is_anything) return wanted == (values.empty() || !value.empty());
  return wanted == (std::ranges::find(values, value) != values.end());
}

std::expected<milliseconds, std::string> parse_prom_duration(std::string_view text) {
  double total = 0;
  bool is_sound = !text.empty();
  while (is_sound && !text.empty()) {
    double number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (error != std::errc{}) break;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    const auto unit_end = std::ranges::find_if_not(text, is_letter) - text.begin();
    const auto unit = text.substr(0, static_cast<std::size_t>(unit_end));
    const bool is_plain = unit.empty() && total == 0 && text.empty();
    const auto factor = is_plain ? 1'000.0 : find_in(kUnits, unit);
    is_sound = factor.has_value() && std::isfinite(number) && number >= 0;
    if (is_sound) total += number * *factor;
    text.remove_prefix(unit.size());
  }
  if (!is_sound || !text.empty() || total > kDurationMax) {
    return std::unexpected("not a time like 5m, 1h30m, 1d, or seconds");
  }
  return milliseconds{static_cast<std::int64_t>(total)};
}

std::expected<Node, std::string> parse_promql(std::string_view text) {
  if (text.size() > kTextMax) {
    return std::unexpected(fmt::format("the query is longer than {} bytes", kTextMax));
  }
  return Parser(text).parse();
}

}  // namespace ia
