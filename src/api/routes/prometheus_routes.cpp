#include "api/routes/prometheus_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <expected>
#include <map>
#include <set>
#include <utility>

#include "api/prometheus/source.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/times.h"
#include "http/target.h"
#include "promql/text.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kName = "__name__";
constexpr std::size_t kStepsMax = 11'000;  // as Prometheus: from the first point to the last
constexpr milliseconds kLookBackMost = std::chrono::minutes{5};
constexpr std::size_t kValuesMax = 1'000;  // of a label: what Grafana shows
// What Grafana looks at to know what it may ask for; windows are left-open as of 3.0.
constexpr std::string_view kLooksLike = "3.0.0";

PromError bad_data(std::string message) { return {400, "bad_data", std::move(message)}; }

// The query's and the form's; a plus is a blank in both, as in Go.
class Form {
 public:
  static PromResult<Form> of(const RouteRequest& request) {
    Form form;
    if (auto taken = form.take(request.query); !taken) return std::unexpected(taken.error());
    const auto& http = request.http;
    if (!http.has_body) return form;
    if (!is_media_type(http.content_type, "application/x-www-form-urlencoded")) {
      return std::unexpected(
          bad_data("send parameters in the query, or as application/x-www-form-urlencoded"));
    }
    if (!http.is_body_kept) {
      return std::unexpected(bad_data("the form must be at most 48 KiB"));
    }
    if (auto taken = form.take(http.body); !taken) return std::unexpected(taken.error());
    return form;
  }

  // The first one; empty when it is not given.
  std::string_view text(std::string_view name) const {
    const auto found = given_.find(name);
    return found == given_.end() ? std::string_view{} : std::string_view(found->second);
  }
  std::vector<std::string_view> all(std::string_view name) const {
    const auto [begin, end] = given_.equal_range(name);
    std::vector<std::string_view> values;
    for (auto at = begin; at != end; ++at) values.emplace_back(at->second);
    return values;
  }

  PromResult<WallTime> time(std::string_view name, std::optional<WallTime> fallback) const {
    const auto given = text(name);
    if (given.empty() && fallback) return *fallback;
    const auto wrong = [&](std::string_view what) {
      return std::unexpected(bad_data(
          fmt::format("invalid parameter \"{}\": {}, got '{}'", name, what, excerpt(given))));
    };
    const auto seconds = parse_prom_seconds(given);
    if (!seconds) return wrong(seconds.error());
    if (*seconds) return WallTime{**seconds};
    const auto parsed = parse_instant(given);
    if (!parsed) return wrong(parsed.error());
    return *parsed;
  }

  PromResult<PromSpan> span() const {
    const auto start = time("start", WallTime::min());
    if (!start) return std::unexpected(start.error());
    const auto end = time("end", WallTime::max());
    if (!end) return std::unexpected(end.error());
    return PromSpan{*start, *end};
  }

  // At most `most` of something are wanted.
  PromResult<std::size_t> limit(std::size_t most) const {
    const auto given = text("limit");
    if (given.empty() || given == "0") return most;
    std::int64_t value = 0;
    const auto* end = given.data() + given.size();
    const auto [stop, error] = std::from_chars(given.data(), end, value);
    if (error == std::errc{} && stop == end && value >= 0) {
      return std::min(static_cast<std::size_t>(value), most);
    }
    return std::unexpected(bad_data("invalid parameter \"limit\": must be a whole number"));
  }

 private:
  PromResult<void> take(std::string_view query) {
    while (!query.empty()) {
      const auto piece = next_piece(query);
      if (piece.name.empty() && piece.value.empty()) continue;
      auto name = unescape_query(piece.name);
      auto value = unescape_query(piece.value);
      if (!name || !value) {
        return std::unexpected(
            bad_data("a % is not followed by two hexadecimal digits in " + excerpt(piece.name)));
      }
      given_.emplace(std::move(*name), std::move(*value));
    }
    return {};
  }
  std::multimap<std::string, std::string, std::less<>> given_;
};

void answer_error(const PromError& error, HttpResponse& response) {
  response.status = error.status;
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kNever;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("status", "error");
  json.member("errorType", error.type);
  json.member("error", std::string_view(error.message));
  json.end_object();
}

// Lets `read` answer what the form asks for; tells what is wrong as Prometheus does.
template <class Read>
Answer with_form(const RouteRequest& request, HttpResponse& response, Read read) {
  const auto form = Form::of(request);
  const PromResult<void> answered = form ? read(*form) : std::unexpected(form.error());
  if (!answered) answer_error(answered.error(), response);
  return {};
}

template <class Write>
void answer_data(HttpResponse& response, const std::vector<std::string>& warnings, Write write) {
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  JsonWriter json(response.body);
  json.begin_object();
  json.member("status", "success");
  json.key("data");
  write(json);
  if (!warnings.empty()) {
    json.key("warnings");
    json.begin_array();
    for (const auto& warning : warnings) json.text(warning);
    json.end_array();
  }
  json.end_object();
}

// Whole seconds have no fraction, as in Prometheus.
void write_time(JsonWriter& json, WallTime time) {
  const auto count = time.time_since_epoch().count();
  if (count % 1'000 == 0) return json.integer(count / 1'000);
  json.decimal(std::chrono::duration<double>(time.time_since_epoch()).count());
}

void write_sample(JsonWriter& json, WallTime time, std::string_view value) {
  json.begin_array();
  write_time(json, time);
  json.text(value);
  json.end_array();
}

void write_value(JsonWriter& json, WallTime time, double value) {
  write_sample(json, time, prom_value_text(value));
}

void write_labels(JsonWriter& json, const PromLabels& labels) {
  json.begin_object();
  for (const auto& [name, value] : labels) json.member(name, std::string_view(value));
  json.end_object();
}

void write_series(JsonWriter& json, const PromSeries& series, WallTime time) {
  json.begin_object();
  json.key("metric");
  write_labels(json, series.labels);
  json.key("value");
  write_value(json, time, series.values[0]);
  json.end_object();
}

// Of a matrix: the samples that are not absent.
void write_series(JsonWriter& json, const PromLabels& labels, std::span<const WallTime> times,
                  std::span<const double> values) {
  json.begin_object();
  json.key("metric");
  write_labels(json, labels);
  json.key("values");
  json.begin_array();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!is_absent(values[i])) write_value(json, times[i], values[i]);
  }
  json.end_array();
  json.end_object();
}

std::string_view name_of(PromType type) {
  switch (type) {
    case PromType::kScalar:
      return "scalar";
    case PromType::kVector:
      return "vector";
    case PromType::kMatrix:
      return "matrix";
    case PromType::kString:
      return "string";
  }
  return "";
}

void write_result(JsonWriter& json, const PromValue& value, WallTime time) {
  json.begin_object();
  json.member("resultType", name_of(value.type));
  json.key("result");
  if (value.type == PromType::kScalar) {
    write_value(json, time, value.series[0].values[0]);
  } else if (value.type == PromType::kString) {
    write_sample(json, time, value.text);
  } else {
    json.begin_array();
    for (const auto& series : value.series) write_series(json, series, time);
    for (const auto& one : value.matrix) write_series(json, one.labels, one.times, one.values);
    json.end_array();
  }
  json.end_object();
}

void write_matrix(JsonWriter& json, const PromValue& value, std::span<const WallTime> times) {
  json.begin_object();
  json.member("resultType", "matrix");
  json.key("result");
  json.begin_array();
  for (const auto& series : value.series) write_series(json, series.labels, times, series.values);
  json.end_array();
  json.end_object();
}

PromResult<std::vector<WallTime>> times_of(const Form& form) {
  const auto start = form.time("start", std::nullopt);
  if (!start) return std::unexpected(start.error());
  const auto end = form.time("end", std::nullopt);
  if (!end) return std::unexpected(end.error());
  if (*end < *start) {
    return std::unexpected(bad_data("invalid parameter \"end\": must not be before start"));
  }
  const auto step = parse_prom_step(form.text("step"));
  if (!step || *step <= milliseconds{0}) {
    return std::unexpected(
        bad_data("invalid parameter \"step\": must be a time above 0, in seconds "
                 "or like 5m"));
  }
  const auto steps = static_cast<std::size_t>((*end - *start) / *step);
  if (steps > kStepsMax) {
    return std::unexpected(bad_data(fmt::format(
        "{} steps per series, at most {} are allowed: ask for a longer step", steps, kStepsMax)));
  }
  std::vector<WallTime> times;
  times.reserve(steps + 1);
  for (auto time = *start; time <= *end; time += *step) times.push_back(time);
  return times;
}

struct Evaluated {
  PromValue value;
  std::vector<std::string> warnings;
};

// Of a range no more than its step, so that a gap stays one; of one time as far as Prometheus does,
// as the newest minute may still be fetched. `interval` is how often a value comes.
milliseconds look_back(std::span<const WallTime> times, milliseconds interval) {
  if (times.size() == 1) return std::max(kLookBackMost, 2 * interval);
  return std::max(interval, std::min<milliseconds>(times[1] - times[0], kLookBackMost));
}

PromResult<std::unique_ptr<PromExpression>> expression_of(const Form& form) {
  auto expression = parse_promql(form.text("query"));
  if (expression) return std::move(*expression);
  return std::unexpected(bad_data("invalid parameter \"query\": " + expression.error()));
}

PromResult<void> check_range_type(PromType type) {
  if (type == PromType::kScalar || type == PromType::kVector) return {};
  return std::unexpected(bad_data(
      "invalid parameter \"query\": a range needs numbers or series at each time: give a metric "
      "over a time to a function, such as delta(x[1h])"));
}

PromResult<Evaluated> evaluate_at(const PromExpression& expression, std::span<const WallTime> times,
                                  const ApiContext& context, Observed& observed) {
  const auto registry = observed.registry();
  if (!registry) {
    return std::unexpected(PromError{503, "unavailable", registry.error().message});
  }
  PrometheusSource source(context, observed);
  const PromTimes at{times, look_back(times, (*registry)->schedule.interval)};
  auto value = evaluate(expression, at, source);
  if (!value) return std::unexpected(value.error());
  return Evaluated{std::move(*value), source.warnings()};
}

// The selectors of match[]; one of everything when there is none.
PromResult<std::vector<PromSelector>> selectors_of(const Form& form) {
  std::vector<PromSelector> selectors;
  for (const auto text : form.all("match[]")) {
    const auto parsed = parse_promql(text);
    if (!parsed)
      return std::unexpected(bad_data("invalid parameter \"match[]\": " + parsed.error()));
    if ((*parsed)->kind != PromExpression::Kind::kSelector ||
        (*parsed)->type != PromType::kVector || (*parsed)->selector.offset.count() != 0) {
      return std::unexpected(bad_data("invalid parameter \"match[]\": must be a selector"));
    }
    selectors.push_back((*parsed)->selector);
  }
  if (selectors.empty()) selectors.emplace_back();
  return selectors;
}

PromResult<std::set<PromLabels>> series_of(const Form& form, PrometheusSource& source) {
  const auto selectors = selectors_of(form);
  if (!selectors) return std::unexpected(selectors.error());
  std::set<PromLabels> all;
  const auto span = form.span();
  if (!span) return std::unexpected(span.error());
  const auto has_samples = source.may_have_samples(*span);
  if (!has_samples) return std::unexpected(has_samples.error());
  if (!*has_samples) return all;
  for (const auto& selector : *selectors) {
    auto found = source.series(selector, *span);
    if (!found) return std::unexpected(found.error());
    all.insert(found->begin(), found->end());
  }
  return all;
}

// As Prometheus says it.
void warn_of_limit(std::size_t found, std::size_t limit, std::vector<std::string>& warnings) {
  if (found > limit) warnings.emplace_back("results truncated due to limit");
}

void write_texts(JsonWriter& json, const std::set<std::string>& texts, std::size_t limit) {
  json.begin_array();
  for (const auto& text : texts) {
    if (limit-- == 0) break;
    json.text(text);
  }
  json.end_array();
}

void write_none(JsonWriter& json, std::string_view name) {
  json.begin_object();
  json.key(name);
  write_texts(json, {}, 0);
  json.end_object();
}

// Of a label, those that the selectors' series have.
PromResult<std::set<std::string>> values_of(std::string_view label, const Form& form,
                                            std::size_t limit, PrometheusSource& source) {
  const auto all = series_of(form, source);
  if (!all) return std::unexpected(all.error());
  std::set<std::string> values;
  for (const auto& labels : *all) {
    for (const auto& [name, value] : labels) {
      if (name == label) values.insert(value);
    }
  }
  source.add_unlisted(label, limit, values);
  return values;
}

// The labels that the selectors' series have.
PromResult<std::set<std::string>> names_of(const Form& form, PrometheusSource& source) {
  const auto all = series_of(form, source);
  if (!all) return std::unexpected(all.error());
  std::set<std::string> names;
  for (const auto& labels : *all) {
    for (const auto& [name, value] : labels) names.insert(name);
  }
  if (!source.unlisted().empty()) names.insert({std::string(kName), "id", "username"});
  return names;
}

}  // namespace

Answer PrometheusRoutes::query(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto time = form.time("time", context_.clock.wall());
    if (!time) return std::unexpected(time.error());
    const auto expression = expression_of(form);
    if (!expression) return std::unexpected(expression.error());
    const auto found = evaluate_at(**expression, std::span(&*time, 1), context_, observed_);
    if (!found) return std::unexpected(found.error());
    answer_data(response, found->warnings,
                [&](JsonWriter& json) { write_result(json, found->value, *time); });
    return {};
  });
}

Answer PrometheusRoutes::query_range(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto times = times_of(form);
    if (!times) return std::unexpected(times.error());
    const auto expression = expression_of(form);
    if (!expression) return std::unexpected(expression.error());
    if (auto may = check_range_type((*expression)->type); !may) return may;
    auto found = evaluate_at(**expression, *times, context_, observed_);
    if (!found) return std::unexpected(found.error());
    std::ranges::sort(found->value.series, {}, &PromSeries::labels);
    answer_data(response, found->warnings,
                [&](JsonWriter& json) { write_matrix(json, found->value, *times); });
    return {};
  });
}

Answer PrometheusRoutes::labels(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto limit = form.limit(kValuesMax);
    if (!limit) return std::unexpected(limit.error());
    PrometheusSource source(context_, observed_);
    const auto names = names_of(form, source);
    if (!names) return std::unexpected(names.error());
    std::vector<std::string> warnings;
    warn_of_limit(names->size(), *limit, warnings);
    answer_data(response, warnings, [&](JsonWriter& json) { write_texts(json, *names, *limit); });
    return {};
  });
}

Answer PrometheusRoutes::label_values(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto limit = form.limit(kValuesMax);
    if (!limit) return std::unexpected(limit.error());
    PrometheusSource source(context_, observed_);
    const auto values = values_of(request.id, form, *limit, source);
    if (!values) return std::unexpected(values.error());
    std::vector<std::string> warnings;
    warn_of_limit(values->size(), *limit, warnings);
    answer_data(response, warnings, [&](JsonWriter& json) { write_texts(json, *values, *limit); });
    return {};
  });
}

Answer PrometheusRoutes::series(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto limit = form.limit(kValuesMax);
    if (!limit) return std::unexpected(limit.error());
    if (form.all("match[]").empty()) {
      return std::unexpected(bad_data("no match[] parameter: name a metric"));
    }
    PrometheusSource source(context_, observed_);
    const auto all = series_of(form, source);
    if (!all) return std::unexpected(all.error());
    auto warnings = source.warnings();
    warn_of_limit(all->size(), *limit, warnings);
    answer_data(response, warnings, [&](JsonWriter& json) {
      json.begin_array();
      for (auto left = *limit; const auto& labels : *all) {
        if (left-- == 0) break;
        write_labels(json, labels);
      }
      json.end_array();
    });
    return {};
  });
}

Answer PrometheusRoutes::metadata(const RouteRequest& request, HttpResponse& response) {
  return with_form(request, response, [&](const Form& form) -> PromResult<void> {
    const auto limit = form.limit(kValuesMax);
    if (!limit) return std::unexpected(limit.error());
    const auto wanted = form.text("metric");
    answer_data(response, {}, [&](JsonWriter& json) {
      json.begin_object();
      for (auto left = *limit; const auto& metric : prom_metrics()) {
        if (!wanted.empty() && wanted != metric.name) continue;
        if (left-- == 0) break;
        json.key(metric.name);
        json.begin_array();
        json.begin_object();
        json.member("type", "gauge");
        json.member("help", metric.help);
        json.member("unit", "");
        json.end_object();
        json.end_array();
      }
      json.end_object();
    });
    return {};
  });
}

Answer PrometheusRoutes::rules(const RouteRequest&, HttpResponse& response) {
  answer_data(response, {}, [](JsonWriter& json) { write_none(json, "groups"); });
  return {};
}

Answer PrometheusRoutes::alerts(const RouteRequest&, HttpResponse& response) {
  answer_data(response, {}, [](JsonWriter& json) { write_none(json, "alerts"); });
  return {};
}

Answer PrometheusRoutes::exemplars(const RouteRequest&, HttpResponse& response) {
  answer_data(response, {}, [](JsonWriter& json) { write_texts(json, {}, 0); });
  return {};
}

Answer PrometheusRoutes::build_info(const RouteRequest&, HttpResponse& response) {
  answer_data(response, {}, [&](JsonWriter& json) {
    json.begin_object();
    json.member("version", kLooksLike);
    json.member("revision", "influencer-analytics " + context_.version);
    json.end_object();
  });
  return {};
}

}  // namespace ia
