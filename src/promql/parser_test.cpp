#include "promql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "promql/evaluator.h"
#include "promql/text.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const WallTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} +
                     std::chrono::hours{12}};

std::string error_of(std::string_view text) {
  const auto parsed = parse_promql(text);
  return parsed ? "" : parsed.error();
}

PromSelector selector_of(std::string_view text) {
  const auto parsed = parse_promql(text);
  EXPECT_TRUE(parsed) << parsed.error();
  return parsed ? (*parsed)->selector : PromSelector{};
}

TEST(Promql, ReadsSelectors) {
  const auto selector =
      selector_of(R"q(m{id="7", name!="x\"y", k=~"a|b\\.c", z!~"(1|2)",} [1h30m] offset 1d)q");
  EXPECT_EQ(selector.metric, "m");
  EXPECT_EQ(selector.window, minutes{90});
  EXPECT_EQ(selector.offset, std::chrono::hours{24});
  ASSERT_THAT(selector.matchers, SizeIs(4));
  EXPECT_THAT(selector.matchers[1].values, ElementsAre("x\"y"));
  EXPECT_THAT(selector.matchers[2].values, ElementsAre("a", "b.c"));
  EXPECT_FALSE(selector.matchers[3].wanted);
  EXPECT_TRUE(selector.matchers[3].holds("3"));
  EXPECT_FALSE(selector.matchers[3].holds("2"));
  EXPECT_EQ(selector_of(R"({__name__="m"})").metric, "m");
  EXPECT_EQ(selector_of("m offset -5m").offset, -minutes{5});
  EXPECT_TRUE(selector_of("m{a=~\".+\"}").matchers[0].holds("x"));
  EXPECT_FALSE(selector_of("m{a=~\".+\"}").matchers[0].holds(""));
  EXPECT_TRUE(selector_of("m{a=~\".*\"}").matchers[0].holds(""));
}

TEST(Promql, ReadsDurations) {
  EXPECT_EQ(parse_prom_duration("1d2h3m4s5ms"),
            std::chrono::hours{26} + minutes{3} + seconds{4} + milliseconds{5});
  EXPECT_EQ(parse_prom_duration("0"), seconds{0});
  for (const auto* text : {"", "m", "5x", "5m5", "-5", "1e99y", "inf", "15", "0.5", "1.5h", "5m1h",
                           "1h1h", "1s2m", "293y", "5 m", "9223372036854775808ms"}) {
    EXPECT_FALSE(parse_prom_duration(text)) << text;
  }
  EXPECT_EQ(parse_prom_step("15"), seconds{15});
  EXPECT_EQ(parse_prom_step("0.5"), milliseconds{500});
  EXPECT_EQ(parse_prom_step("1.5e2"), seconds{150});
  EXPECT_EQ(parse_prom_step("1m30s"), seconds{90});
  EXPECT_LE(parse_prom_step("-5").value(), seconds{0});
  for (const auto* text : {"", "x", "1e99", "inf", "NaN", "0x10", "5m1h"}) {
    EXPECT_FALSE(parse_prom_step(text)) << text;
  }
}

TEST(Promql, ReadsNumbersAsPrometheusDoes) {
  for (const auto& [text, value] :
       std::map<std::string, double>{{"0x1F", 31},
                                     {"0XabcdefABCDEF", 188900977659375},
                                     {"010", 8},
                                     {"09", 9},
                                     {".5", 0.5},
                                     {"5.", 5},
                                     {"1E+2", 100},
                                     {"1e-400", 0},
                                     {"9223372036854775808", 0x1p63}}) {
    const auto parsed = parse_promql(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    EXPECT_EQ((*parsed)->number, value) << text;
  }
  for (const auto* text :
       {"0x", "0x1.8", "1e", "1e400", "1_000", "5m", "1.2.3", "0xFFFFFFFFFFFFFFFF", "1x", "."}) {
    EXPECT_FALSE(parse_promql(text)) << text;
  }
  EXPECT_EQ(parse_prom_seconds("-1.5").value(), milliseconds{-1'500});
  EXPECT_EQ(parse_prom_seconds("1.7e9").value(), seconds{1'700'000'000});
  EXPECT_EQ(parse_prom_seconds("+1.0004").value(), milliseconds{1'000});
  EXPECT_EQ(parse_prom_seconds("2026-01-01T00:00:00Z").value(), std::nullopt);
  EXPECT_EQ(parse_prom_seconds("NaN").value(), std::nullopt);
  EXPECT_FALSE(parse_prom_seconds("1e300"));
}

TEST(Promql, ReadsTextsWithTheEscapesOfGo) {
  const auto value = [](std::string_view text) {
    const auto parsed = parse_promql(text);
    return parsed ? (*parsed)->text : "error: " + parsed.error();
  };
  EXPECT_EQ(value(R"("a\n\x41\101\u00e9\U0001F600\"")"), "a\nAA\u00e9\U0001F600\"");
  EXPECT_EQ(value(R"('\'"')"), "'\"");
  EXPECT_EQ(value("`a\\n\"\n`"), "a\\n\"\n");
  for (const auto* wrong : {R"("\'")", R"('\"')", R"("\.")", R"("\x4")", R"("\400")", R"("\ud800")",
                            R"("\U00110000")", R"("\)", "\"a\nb\"", "\"", "`"}) {
    EXPECT_THAT(value(wrong), HasSubstr("error: ")) << wrong;
  }
}

TEST(Promql, TakesKeywordsInAnyCase) {
  EXPECT_TRUE(parse_promql("SUM BY (id) (m OFFSET 5m) > BOOL 1"));
  EXPECT_TRUE(parse_promql("Sum(m) Without (a)"));
  EXPECT_EQ((*parse_promql("INF"))->number, INFINITY);
  EXPECT_EQ(selector_of("sum").metric, "sum") << "also a metric may have such a name";
  EXPECT_FALSE(parse_promql("ABS(m)")) << "but functions are spelled as they are";
}

TEST(Promql, RefusesWhatPrometheusRefuses) {
  for (const auto* text : {"m offset 1",
                           "m offset 0",
                           "m offset 0s",
                           "m[5m1h]",
                           "m[1.5h]",
                           "m[0s]",
                           "m[300]",
                           "m[5m][5m]",
                           "m offset 5m offset 5m",
                           "m offset +5m",
                           "sum by (a) (m) by (a)",
                           "sum by (a:b) (m)",
                           "m{a:b=\"1\"}",
                           "m{__name__=\"m\"}",
                           "m{__name__!=\"x\"}",
                           "{__name__=~\".+\"}",
                           "-m[5m]",
                           "+m[5m]",
                           "m[5m] + 1",
                           "\"a\" + 1",
                           "-\"a\"",
                           "sum(\"a\")",
                           "sum(m[5m])",
                           "topk(m, m)",
                           "topk(\"a\", m)",
                           "1 == 1",
                           "sum(1)",
                           "abs(1)",
                           "abs(m,)",
                           "rate(1)",
                           "m{,}",
                           "m{a=\"b\",,c=\"d\"}",
                           "(m)[5m]",
                           "1 + bool 2",
                           "bool"}) {
    EXPECT_FALSE(parse_promql(text)) << text;
  }
  EXPECT_TRUE(parse_promql("rate((m[5m]))"));
  EXPECT_TRUE(parse_promql("sum by () (m)"));
  EXPECT_TRUE(parse_promql("m[ 5m ] offset - 5m"));
}

TEST(Promql, SaysWhatItDoesNotUnderstand) {
  EXPECT_THAT(error_of("irate(m[5m])"), HasSubstr("'irate' is not understood here"));
  EXPECT_THAT(error_of("histogram_quantile(1, m)"), HasSubstr("functions: abs, delta"));
  EXPECT_THAT(error_of("m{a=~\"a.*\"}"), HasSubstr("words with | between them"));
  EXPECT_THAT(error_of("m[5m:1m]"), HasSubstr("subqueries"));
  EXPECT_THAT(error_of("a * on(id) b"), HasSubstr("match by all their labels"));
  EXPECT_THAT(error_of("delta(m)"), HasSubstr("x[1h]"));
  EXPECT_THAT(error_of("abs(m[5m])"), HasSubstr("abs needs series, not series over a time"));
  EXPECT_THAT(error_of("{__name__=~\"a|b\"}"), HasSubstr("name one metric"));
  EXPECT_THAT(error_of("1 +"), HasSubstr("at character 4: expected a number"));
  EXPECT_THAT(error_of("m{a=\"b}"), HasSubstr("closing quote"));
  EXPECT_THAT(error_of("1 1"), HasSubstr("an operator"));
  EXPECT_THAT(error_of("topk(m)"), HasSubstr("a number of series"));
  EXPECT_THAT(error_of(""), HasSubstr("the end"));
  EXPECT_THAT(error_of(std::string(100, '(')), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of(std::string(100, '-') + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of(std::string(9000, ' ')), HasSubstr("longer than 8192 bytes"));
}

// Two series, a sample a minute from 11:50 to 12:00: a is 0, 1, ... 10; b ends at 11:53 with 30.
class TwoSeries final : public PromSource {
 public:
  PromResult<std::vector<PromSamples>> select(const PromSelector& selector, WallTime after,
                                              WallTime through) override {
    std::vector<PromSamples> all;
    for (const std::string id : {"a", "b"}) {
      PromSamples samples{{{"__name__", selector.metric}, {"id", id}}, {}, {}};
      for (int i = 0; i <= (id == "a" ? 10 : 3); ++i) {
        const auto time = kNoon - minutes{10 - i};
        if (time <= after || time > through) continue;
        samples.times.push_back(time);
        samples.values.push_back(id == "a" ? i : 10.0 * i);
      }
      const bool fits = std::ranges::all_of(selector.matchers,
                                            [&](const auto& matcher) { return matcher.holds(id); });
      if (fits) all.push_back(std::move(samples));
    }
    return all;
  }
  PromResult<std::optional<std::vector<PromSamples>>> select_of_all(const PromExpression&, double,
                                                                    const PromTimes&) override {
    return std::nullopt;
  }
};

// Values by id at one time; "" without labels.
std::map<std::string, double> at(WallTime time, std::string_view text) {
  const auto parsed = parse_promql(text);
  EXPECT_TRUE(parsed) << parsed.error();
  if (!parsed) return {};
  TwoSeries source;
  const auto value = evaluate(**parsed, {std::span(&time, 1), minutes{5}}, source);
  EXPECT_TRUE(value) << value.error().message;
  std::map<std::string, double> found;
  if (!value) return found;
  for (const auto& series : value->series) {
    const auto id =
        std::ranges::find(series.labels, "id", [](const auto& one) { return one.first; });
    found[id == series.labels.end() ? "" : id->second] = series.values[0];
  }
  return found;
}
std::map<std::string, double> now(std::string_view text) { return at(kNoon, text); }
using Found = std::map<std::string, double>;

TEST(Promql, Calculates) {
  EXPECT_EQ(now("1+1"), (Found{{"", 2}}));
  EXPECT_EQ(now("2 + 3 * 4 - 6 / 2 % 2"), (Found{{"", 13}}));
  EXPECT_EQ(now("-(2 - 5)"), (Found{{"", 3}}));
  EXPECT_EQ(now("1 - 2 - 3"), (Found{{"", -4}}));
  EXPECT_EQ(now("1 == bool 2"), (Found{{"", 0}}));
  EXPECT_TRUE(std::isinf(now("1 / 0")[""]));
  EXPECT_TRUE(std::isnan(now("NaN")[""]));
}

TEST(Promql, TakesTheNewestSampleOfTheLookBack) {
  EXPECT_EQ(now("m"), (Found{{"a", 10}}));
  EXPECT_EQ(at(kNoon - minutes{7}, "m"), (Found{{"a", 3}, {"b", 30}}));
  EXPECT_EQ(at(kNoon - minutes{2} - milliseconds{1}, "m"), (Found{{"a", 7}, {"b", 30}}));
  EXPECT_EQ(at(kNoon - minutes{2}, "m"), (Found{{"a", 8}}));
  EXPECT_EQ(now("m offset 7m"), (Found{{"a", 3}, {"b", 30}}));
  EXPECT_THAT(at(kNoon - minutes{11}, "m"), IsEmpty());
}

TEST(Promql, LooksOverTime) {
  EXPECT_EQ(now("delta(m[3m])"), (Found{{"a", 3}}));
  EXPECT_EQ(now("delta(m[11m])"), (Found{{"a", 10}, {"b", 30}}));
  EXPECT_EQ(now("increase(m[11m])"), (Found{{"a", 10}, {"b", 30}}));
  EXPECT_NEAR(now("rate(m[3m])")["a"] * 60, 1, 1e-9);
  EXPECT_NEAR(now("rate(m[3m])")["a"] * 180, now("increase(m[3m])")["a"], 1e-9);
  EXPECT_NEAR(now("deriv(m{id=\"b\"}[1h])")["b"] * 60, 10, 1e-9);
  EXPECT_EQ(now("avg_over_time(m[3m])"), (Found{{"a", 9}}));
  EXPECT_EQ(now("min_over_time(m[3m])"), (Found{{"a", 8}}));
  EXPECT_EQ(now("max_over_time(m[1h])"), (Found{{"a", 10}, {"b", 30}}));
  EXPECT_EQ(now("sum_over_time(m[3m])"), (Found{{"a", 27}}));
  EXPECT_EQ(now("count_over_time(m[1h])"), (Found{{"a", 11}, {"b", 4}}));
  EXPECT_EQ(now("last_over_time(m[1h])"), (Found{{"a", 10}, {"b", 30}}));
  EXPECT_EQ(now("count_over_time(m[5m])"), (Found{{"a", 5}})) << "left-open, as in Prometheus 3";
  EXPECT_EQ(now("delta(m[1m])"), (Found{{"a", 1}}));
  EXPECT_THAT(at(kNoon - minutes{10}, "delta(m[1m])"), IsEmpty()) << "nothing stood before";
}

TEST(Promql, Aggregates) {
  const auto before = kNoon - minutes{7};
  EXPECT_EQ(at(before, "sum(m)"), (Found{{"", 33}}));
  EXPECT_EQ(at(before, "avg(m)"), (Found{{"", 16.5}}));
  EXPECT_EQ(at(before, "min(m)"), (Found{{"", 3}}));
  EXPECT_EQ(at(before, "max(m)"), (Found{{"", 30}}));
  EXPECT_EQ(at(before, "count(m)"), (Found{{"", 2}}));
  EXPECT_EQ(at(before, "sum by (id) (m)"), (Found{{"a", 3}, {"b", 30}}));
  EXPECT_EQ(at(before, "sum(m) without (id)"), (Found{{"", 33}}));
  EXPECT_EQ(at(before, "topk(1, m)"), (Found{{"b", 30}}));
  EXPECT_EQ(at(before, "bottomk(1, m)"), (Found{{"a", 3}}));
  EXPECT_THAT(at(before, "topk(0, m)"), IsEmpty());
  EXPECT_THAT(at(before, "topk(-1, m)"), IsEmpty());
  EXPECT_EQ(at(before, "topk(3 - 2, m)"), (Found{{"b", 30}}));
  EXPECT_TRUE(std::isnan(at(before, "max(m % 0)")[""]));
  EXPECT_TRUE(std::isnan(at(before, "min(m % 0)")[""]));
  EXPECT_EQ(at(before, "max((m - 3) / (m - 3))"), (Found{{"", 1}})) << "NaN is no largest value";
  EXPECT_EQ(at(before, "avg(m * 5e306)"), (Found{{"", 16.5 * 5e306}})) << "no sum overflows";
  EXPECT_EQ(at(before, "topk(1, m / (m < bool 20))"), (Found{{"b", INFINITY}}));
  EXPECT_EQ(at(before, "bottomk(1, (m - 30) / (m - 30))"), (Found{{"a", 1}}));
}

TEST(Promql, ComparesAndMatches) {
  const auto before = kNoon - minutes{7};
  EXPECT_EQ(at(before, "m > 5"), (Found{{"b", 30}}));
  EXPECT_EQ(at(before, "5 < m"), (Found{{"b", 30}}));
  EXPECT_EQ(at(before, "m >= bool 30"), (Found{{"a", 0}, {"b", 1}}));
  EXPECT_EQ(at(before, "m / m"), (Found{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(at(before, "m - m{id=\"a\"}"), (Found{{"a", 0}}));
  EXPECT_EQ(at(before, "abs(-m)"), (Found{{"a", 3}, {"b", 30}}));
}

TEST(Promql, GivesRawSamplesAtOneTimeOnly) {
  const auto parsed = parse_promql("m[3m]");
  ASSERT_TRUE(parsed);
  TwoSeries source;
  const auto value = evaluate(**parsed, {std::span(&kNoon, 1), minutes{5}}, source);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->type, PromType::kMatrix);
  ASSERT_THAT(value->matrix, SizeIs(1));
  EXPECT_THAT(value->matrix[0].values, ElementsAre(8, 9, 10));
  const std::array times = {kNoon - minutes{1}, kNoon};
  EXPECT_FALSE(evaluate(**parsed, {times, minutes{5}}, source));
}

TEST(Promql, WritesValuesAsPrometheusDoes) {
  EXPECT_EQ(prom_value_text(67.5), "67.5");
  EXPECT_EQ(prom_value_text(1234567890123456), "1234567890123456");
  EXPECT_EQ(prom_value_text(1e20), "100000000000000000000");
  EXPECT_EQ(prom_value_text(1e21), "1e+21");
  EXPECT_EQ(prom_value_text(0.000001), "0.000001");
  EXPECT_EQ(prom_value_text(1e-7), "1e-07");
  EXPECT_EQ(prom_value_text(-INFINITY), "-Inf");
  EXPECT_EQ(prom_value_text(std::nan("")), "NaN");
}

}  // namespace
}  // namespace ia
