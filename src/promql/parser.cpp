#include "promql/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/printable.h"
#include "promql/text.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using Node = std::unique_ptr<PromExpression>;
template <class T>
using Parsed = std::expected<T, std::string>;

constexpr std::size_t kTextMax = 8'192;
constexpr int kDepthMax = 32;

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

std::string_view name_of(PromType type) {
  switch (type) {
    case PromType::kScalar:
      return "a number";
    case PromType::kVector:
      return "series";
    case PromType::kMatrix:
      return "series over a time";
    case PromType::kString:
      return "a text";
  }
  return "";
}

bool is_value(PromType type) { return type == PromType::kScalar || type == PromType::kVector; }

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

  std::unexpected<std::string> wrong_at(std::string_view token, std::string_view expected) {
    at_ = static_cast<std::size_t>(token.data() - text_.data());
    return wrong(expected);
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
  // Labels have no colon.
  std::string_view take_label() {
    auto name = peek_name();
    name = name.substr(0, name.find(':'));
    at_ += name.size();
    return name;
  }
  bool next_is(std::string_view keyword) { return lowered(peek_name()) == keyword; }

  static std::unexpected<std::string> misplaced(PromType type, std::string_view where) {
    return std::unexpected(fmt::format("{} does not take {}", where, name_of(type)));
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
    if (next_is("bool")) {
      if (level_of(binary) != 1) return wrong("an operand ('bool' is for comparisons)");
      node->returns_bool = true;
      take_name();
    }
    for (const std::string_view word : {"on", "ignoring", "group_left", "group_right"}) {
      if (next_is(word)) return wrong("an operand (series match by all their labels here)");
    }
    auto right = expression(level_of(binary));
    if (!right) return right;
    for (const auto type : {left->type, (*right)->type}) {
      if (!is_value(type)) return misplaced(type, "an operator");
    }
    const bool are_scalars = left->type == PromType::kScalar && (*right)->type == PromType::kScalar;
    node->type = are_scalars ? PromType::kScalar : PromType::kVector;
    if (are_scalars && level_of(binary) == 1 && !node->returns_bool) {
      return std::unexpected("comparisons between numbers need bool: 1 == bool 1");
    }
    node->operands.push_back(std::move(left));
    node->operands.push_back(std::move(*right));
    return node;
  }

  Parsed<Node> operand() {
    if (take("-")) return negated();
    if (take("+")) return signed_operand();
    if (take("(")) {
      auto inner = expression(0);
      if (inner && !take(")")) return wrong("')'");
      return inner;
    }
    skip();
    const char next = at_ < text_.size() ? text_[at_] : '\0';
    if (is_digit(next) || next == '.') return number();
    if (next == '{') return selector("");
    if (next == '"' || next == '\'' || next == '`') return text();
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

  Parsed<Node> signed_operand() {
    auto inner = operand_deeper();
    if (inner && !is_value((*inner)->type)) return misplaced((*inner)->type, "a sign");
    return inner;
  }

  Parsed<Node> negated() {
    auto inner = signed_operand();
    if (!inner) return inner;
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kNegation;
    node->type = (*inner)->type;
    node->operands.push_back(std::move(*inner));
    return node;
  }

  Parsed<Node> number() {
    const auto length = prom_number_length(text_.substr(at_));
    const auto value = parse_prom_number(text_.substr(at_, length));
    if (length == 0 || !value) return wrong("a number");
    at_ += length;
    if (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) {
      return wrong("a number without a unit");
    }
    auto node = std::make_unique<PromExpression>();
    node->number = *value;
    return node;
  }

  Parsed<Node> text() {
    auto value = string();
    if (!value) return std::unexpected(value.error());
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kString;
    node->type = PromType::kString;
    node->text = std::move(*value);
    return node;
  }

  Parsed<Node> named(std::string_view name) {
    const auto keyword = lowered(name);
    const auto aggregation = find_in(kAggregations, std::string_view(keyword));
    skip();
    const bool is_called = at_ < text_.size() && text_[at_] == '(';
    if (aggregation && (is_called || next_is("by") || next_is("without"))) {
      return aggregate(*aggregation);
    }
    if (is_called) return call(name);
    if (keyword == "bool") return wrong_at(name, "an operand ('bool' is for comparisons)");
    if (keyword == "nan" || keyword == "inf") {
      auto node = std::make_unique<PromExpression>();
      node->number = keyword == "inf" ? std::numeric_limits<double>::infinity() : std::nan("");
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
    if ((*inner)->type != (wants_window ? PromType::kMatrix : PromType::kVector)) {
      return std::unexpected(
          fmt::format("{} needs {}", name,
                      wants_window ? "a metric over a time, like x[1h]"
                                   : "series, not " + std::string(name_of((*inner)->type))));
    }
    auto node = std::make_unique<PromExpression>();
    node->kind = PromExpression::Kind::kCall;
    node->type = PromType::kVector;
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
    node->type = PromType::kVector;
    node->aggregation = aggregation;
    if (auto done = take_grouping(*node); !done) return std::unexpected(done.error());
    if (!take("(")) return wrong("'('");
    Node how_many;
    if (aggregation >= PromAggregation::kTopk) {
      auto count = expression(0);
      if (!count) return count;
      if ((*count)->type != PromType::kScalar || !take(",")) {
        return wrong("a number of series and ','");
      }
      how_many = std::move(*count);
    }
    auto inner = expression(0);
    if (!inner) return inner;
    if (!take(")")) return wrong("')'");
    if ((*inner)->type != PromType::kVector) {
      return misplaced((*inner)->type, "an aggregation");
    }
    node->operands.push_back(std::move(*inner));
    if (how_many) node->operands.push_back(std::move(how_many));
    if (auto done = take_grouping(*node); !done) return std::unexpected(done.error());
    return node;
  }

  Parsed<void> take_grouping(PromExpression& node) {
    const bool is_without = next_is("without");
    if (!is_without && !next_is("by")) return {};
    if (node.is_grouped) return wrong("nothing more: labels are named before or after, not both");
    node.is_grouped = true;
    node.is_without = is_without;
    take_name();
    if (!take("(")) return wrong("'('");
    while (!take(")")) {
      const auto label = take_label();
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
    node->type = PromType::kVector;
    auto& selector = node->selector;
    selector.metric = metric;
    if (take("{")) {
      if (auto done = matchers(selector); !done) return std::unexpected(done.error());
    }
    if (take("[")) {
      const auto window = duration();
      if (!window) return std::unexpected(window.error());
      if (!take("]")) return wrong("']' (subqueries are not understood here)");
      selector.window = *window;
      node->type = PromType::kMatrix;
    }
    if (!next_is("offset")) return node;
    take_name();
    const bool is_ahead = take("-");
    const auto offset = duration();
    if (!offset) return std::unexpected(offset.error());
    selector.offset = is_ahead ? -*offset : *offset;
    return node;
  }

  Parsed<void> matchers(PromSelector& selector) {
    while (!take("}")) {
      auto label = std::string(take_label());
      if (label.empty()) return wrong("a label");
      auto matcher = this->matcher(std::move(label));
      if (!matcher) return std::unexpected(matcher.error());
      if (matcher->label != "__name__") {
        selector.matchers.push_back(std::move(*matcher));
      } else if (matcher->wanted && matcher->values.size() == 1 && !matcher->is_anything &&
                 selector.metric.empty()) {
        selector.metric = matcher->values[0];
      } else {
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
    auto words = parse_prom_words(*value);
    if (!words) return std::unexpected(std::string(words.error()));
    matcher.is_anything = words->is_anything;
    matcher.values = std::move(words->values);
    return matcher;
  }

  Parsed<std::string> string() {
    skip();
    auto string = parse_prom_string(text_.substr(at_));
    if (!string) return wrong(string.error());
    at_ += string->length;
    return std::move(string->value);
  }

  Parsed<milliseconds> duration() {
    skip();
    auto end = at_;
    while (end < text_.size() && (is_digit(text_[end]) || is_letter(text_[end]))) ++end;
    const auto word = text_.substr(at_, end - at_);
    const auto parsed = parse_prom_duration(word);
    if (!parsed || *parsed <= milliseconds{0}) {
      return wrong("a duration like 5m, 1h30m or 1d, above 0");
    }
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

std::expected<Node, std::string> parse_promql(std::string_view text) {
  if (text.size() > kTextMax) {
    return std::unexpected(fmt::format("the query is longer than {} bytes", kTextMax));
  }
  return Parser(text).parse();
}

}  // namespace ia
