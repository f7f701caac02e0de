#include <fmt/format.h>

#include <algorithm>

#include "api/id_json.h"
#include "api/parameters.h"
#include "api/past/past_minutes.h"
#include "api/routes/routes.h"
#include "api/series/buckets.h"
#include "api/series/damage.h"
#include "base/json.h"
#include "http/late_answer.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t kRanksMax = 1440;
constexpr minutes kRangeMax{7 * 24 * 60};
// What is counted within this time is answered as a whole.
constexpr std::chrono::seconds kPartsAfter{1};
constexpr std::string_view kRanksEnd = "]}";

// Up to the last minute that is over; without a start, a day of minutes, wherever in its minute the
// end is.
RankQuestion take_question(Parameters& parameters, InfluencerId id, WallTime now) {
  const auto [start, end] = parameters.times("start", "end", now);
  RankQuestion question{.influencer = id, .range = minutes_between(start, end)};
  question.range.end = std::min(question.range.end, minute_of(now));
  if (!parameters.text("start")) {
    const auto day_before = question.range.end - minutes{kRanksMax};
    question.range.begin = std::max(question.range.begin, day_before);
  }
  question.step = parameters.step("step", minutes{1});
  if (!parameters.is_valid()) return question;
  if (question.range.end - question.range.begin > kRangeMax) {
    parameters.reject("start", "must be at most 7 days before end");
  } else if (bucket_count(question.range, question.step) > kRanksMax) {
    const auto enough = smallest_step(question.range, kRanksMax);
    parameters.reject("step", fmt::format("would give more than {} ranks: ask for {}m or more, or "
                                          "for a shorter range",
                                          kRanksMax, enough.count()));
  }
  return question;
}

// All but the ranks and kRanksEnd.
void write_head(const RankQuestion& question, std::string& out) {
  JsonWriter json(out);
  json.begin_object();
  write_id(json, "id", question.influencer);
  json.member("start", WallTime{question.range.begin});
  json.member("end", WallTime{question.range.end});
  json.member("step_seconds", std::chrono::seconds{question.step}.count());
  json.key("items");
  json.begin_array();
}

}  // namespace

Answer PastRoutes::ranks(const RouteRequest& request, HttpResponse& response) {
  Parameters parameters(request.query, {"start", "end", "step"});
  const auto id = parameters.influencer(request.id);
  const auto question = take_question(parameters, id, context_.clock.wall());
  if (!parameters.is_valid()) return refuse(parameters.problem());
  const auto known = observed_.is_known(id);
  if (!known) return refuse(problem_of(known.error()));
  if (!*known) return refuse(unknown_influencer(id));
  const auto count = past_.ranks(question, request.http.client.limit_key());
  if (!count) return refuse(count.error());
  const bool is_done = (*count)->is_done();
  if (const auto error = (*count)->error()) return refuse(problem_of(*error));
  const auto waited = context_.clock.mono() - request.asked_at;
  if (!is_done && (!request.late || waited < kPartsAfter)) return refuse(being_made());
  // Where its own value may be missing, it has no rank.
  auto own = context_.store.read_series(id, question.range);
  if (!own) return refuse(problem_of(own.error()));
  const auto ranks = (*count)->from(0);
  auto damaged = std::move(own->damaged);
  for (const auto& at : ranks) {
    if (at.damaged) damaged.push_back({at.minute, at.minute + minutes{1}});
  }
  tell_damage(std::move(damaged), response);
  response.content_type = content_type::kJson;
  response.cache_control = cache_control::kRevalidate;
  write_head(question, response.body);
  append_ranks(ranks, 0, response.body);
  if (is_done) {
    response.body += kRanksEnd;
  } else {
    go_on_in_parts(*count, ranks.size(), request, response);
  }
  return {};
}

void PastRoutes::append_ranks(const std::vector<RankAt>& ranks, std::size_t written,
                              std::string& out) {
  for (const auto& at : ranks) {
    if (written++ > 0) out += ',';
    JsonWriter json(out);
    json.begin_object();
    json.member("minute", WallTime{at.minute});
    json.member("rank", at.rank);
    json.member("of", at.of);
    json.member("follower_count", at.followers);
    json.member("closed", observed_.is_closed(at.minute));
    json.member("damaged", at.damaged);
    json.end_object();
  }
}

// Sends what there is and then each hour as it is counted. What ends early is no whole JSON.
void PastRoutes::go_on_in_parts(const std::shared_ptr<RankCount>& count, std::size_t written,
                                const RouteRequest& request, HttpResponse& response) {
  HttpResponse head = std::move(response);
  head.is_stream = true;
  response.clear();
  response.late = request.late;
  request.late->answer(std::move(head));
  past_.thread().when_made([this, count, written, late = request.late]() mutable {
    if (!late->is_wanted()) return true;
    count->ask(context_.clock.mono());
    const bool is_done = count->is_done();
    const auto ranks = count->from(written);
    std::string piece;
    append_ranks(ranks, written, piece);
    written += ranks.size();
    const bool is_whole = is_done && !count->error();
    if (is_whole) piece += kRanksEnd;
    if (!piece.empty()) late->write(std::make_shared<const std::string>(std::move(piece)));
    if (is_done) late->end();
    return is_done;
  });
}

}  // namespace ia
