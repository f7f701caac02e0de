#include "simulator/responder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/time_text.h"
#include "simulator/express.h"
#include "simulator/random.h"
#include "simulator/verdict.h"

namespace ia {
namespace {

constexpr std::string_view kCheck = "is_suspicious";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::uint64_t kPostSalt = 0x76657264696374U;
// A rate limit lets so much through at once, after a pause.
constexpr double kBurstSeconds = 0.1;

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string start_of(std::uint64_t pk) {
  return fmt::format(R"({{"pk":{0},"username":"influencer-{0}")", pk);
}

// Another pk than a posted one.
std::string other_than(const std::string& pk) {
  const auto number = whole_number(pk);
  return std::to_string(number ? *number + 1 : 1);
}

Reply closing(int status) {
  return {.status = status,
          .bytes =
              fmt::format("HTTP/1.1 {} {}\r\nConnection: close\r\n\r\n", status, reason_of(status)),
          .after = Reply::After::kClose};
}

Reply options_reply(std::string_view allowed, PageForm form, const ReplyFrame& frame) {
  return reply_of({.content_type = kHtml,
                   .body = std::string(allowed),
                   .extra_headers = fmt::format("Allow: {}\r\n", allowed)},
                  form, frame);
}

// Whether the client can have learnt the true value from the answer.
bool tells_truth(FaultKind kind) {
  return kind == FaultKind::kNone || kind == FaultKind::kDrip || kind == FaultKind::kExtraBytes;
}

}  // namespace

Responder::Responder(const SimulatorOptions& options)
    : seed_(options.seed),
      verdict_mean_(options.verdict_mean),
      verdict_deviation_(options.verdict_deviation),
      population_(options.influencers, options.seed),
      answers_(options.answers_kept) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(options.keep_alive).count();
  frame_.keep_alive =
      fmt::format("\r\nConnection: keep-alive\r\nKeep-Alive: timeout={}\r\n\r\n", seconds);
  frame_.date = http_date(wall_);
}

void Responder::set_time(WallTime wall, MonoTime mono) {
  wall_ = wall;
  mono_ = mono;
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  if (second == date_) return;
  date_ = second;
  frame_.date = http_date(wall);
}

void Responder::set_faults(Faults faults, MonoTime now) {
  faults_ = std::move(faults);
  calm_ = faults_.none();
  faults_since_ = now;
  tokens_ = burst();
  tokens_at_ = now;
}

bool Responder::answer_at_once(std::uint64_t pk, std::string& out) {
  if (!calm_) return false;
  const InfluencerId id{pk};
  const auto look = population_.look(id);
  if (!look) return false;
  append_influencer(out, id, look->counts, frame_);
  tally_.request();
  tally_.answer(200);
  if (answers_.enabled()) record(id, look->counts, {});
  return true;
}

Reply Responder::answer_influencer(std::uint64_t pk) {
  tally_.request();
  auto reply = influencer_reply(InfluencerId{pk}, {});
  counted(reply);
  return reply;
}

Reply Responder::answer(const Request& request) {
  const PageForm form{.head = request.method == "HEAD", .keep_alive = request.keep_alive};
  if (path_of(request.target).starts_with("/simulator/")) {
    return simulator_reply(request, form);
  }
  tally_.request();
  auto reply = route(request, form);
  counted(reply);
  return reply;
}

Reply Responder::refuse(RequestReader::State state) {
  tally_.request();
  const int status = state == RequestReader::State::kHeaderTooLarge ? 431
                     : state == RequestReader::State::kBodyTooLarge ? 413
                                                                    : 400;
  auto reply = closing(status);
  counted(reply);
  return reply;
}

Reply Responder::timed_out() {
  auto reply = closing(408);
  counted(reply);
  return reply;
}

std::optional<Reply> Responder::turned_away(PageForm form) {
  if (calm_) return std::nullopt;
  const bool out_of_order = std::ranges::any_of(faults_.outages, [this](const Outage& outage) {
    return outage.kind == Outage::Kind::kError && outage.covers(mono_ - faults_since_);
  });
  if (out_of_order) {
    tally_.fault(FaultKind::kError);
    return plain_error_reply(form, frame_);
  }
  if (faults_.rate_limit > 0 && !take_token()) {
    tally_.fault(FaultKind::kLimited);
    return limited_reply(faults_, form, frame_);
  }
  return std::nullopt;
}

double Responder::burst() const { return std::max(1.0, faults_.rate_limit * kBurstSeconds); }

bool Responder::take_token() {
  const double gained =
      std::chrono::duration<double>(mono_ - tokens_at_).count() * faults_.rate_limit;
  tokens_ = std::min(tokens_ + gained, burst());
  tokens_at_ = mono_;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

Reply Responder::influencer_reply(InfluencerId id, const Occasion& occasion) {
  if (auto away = turned_away(occasion.form)) return std::move(*away);
  const auto look = faults_.vanished.contains(id) ? std::nullopt : population_.look(id);
  if (!look) return error_reply(R"({"name":"InfluencerNotFoundError"})", occasion.form);
  if (occasion.accepts_any_etag) {
    return reply_of({.status = 304, .body = influencer_json(id, look->counts)}, occasion.form,
                    frame_);
  }
  const auto kind = faults_.pick(look->random);
  const auto details = scramble(look->random + 1);
  tally_.fault(kind);
  const auto shown = number_of(id) + (kind == FaultKind::kWrongId ? 1 : 0);
  const AnswerParts parts{.before = start_of(shown),
                          .key = R"(,"followerCount":)",
                          .value = std::to_string(look->counts.followers),
                          .after = fmt::format(R"(,"followingCount":{}}})", look->counts.following),
                          .form = occasion.form};
  auto reply = spoiled_reply(kind, parts, {faults_, details}, frame_);
  reply.delay = faults_.latency.sample(scramble(details));
  if (tells_truth(kind) && !occasion.form.head) record(id, look->counts, reply.delay);
  return reply;
}

Reply Responder::verdict_reply(const std::string& pk, bool suspicious, PageForm form) {
  if (auto away = turned_away(form)) return std::move(*away);
  const auto random = random_at({seed_ ^ kPostSalt, 0, ++posts_});
  const auto kind = faults_.pick(random);
  const auto details = scramble(random + 1);
  tally_.fault(kind);
  const auto shown = kind == FaultKind::kWrongId ? other_than(pk) : pk;
  const AnswerParts parts{.before = shown.empty() ? "{" : R"({"pk":)" + shown,
                          .key = shown.empty() ? R"("suspicious":)" : R"(,"suspicious":)",
                          .value = suspicious ? "true" : "false",
                          .after = "}",
                          .form = form};
  auto reply = spoiled_reply(kind, parts, {faults_, details}, frame_);
  reply.delay = faults_.latency.sample(scramble(details)) + verdict_wait(details);
  return reply;
}

std::chrono::microseconds Responder::verdict_wait(std::uint64_t random) const {
  if (faults_.check_latency.shape != Latency::Shape::kNone) {
    return faults_.check_latency.sample(scramble(random + 1));
  }
  const std::chrono::duration<double, std::micro> wait =
      verdict_mean_ + verdict_deviation_ * gaussians_of(random).first;
  return std::chrono::duration_cast<std::chrono::microseconds>(std::max(wait, wait.zero()));
}

Reply Responder::route(const Request& request, PageForm form) {
  if (request.expects_unknown) return reply_of({.status = 417, .has_etag = false}, form, frame_);
  const auto verdict = judge(request);
  if (!verdict) return error_reply(verdict.error(), form);
  const auto segment = segment_of(path_of(request.target));
  if (!segment) return not_found_reply(request, form);
  if (request.method == "POST" && same_letters(*segment, kCheck)) {
    return verdict_reply(verdict->pk, verdict->suspicious, form);
  }
  return route_influencer(request, *segment, form);
}

Reply Responder::route_influencer(const Request& request, std::string_view segment, PageForm form) {
  const auto decoded = percent_decoded(segment);
  if (!decoded) return error_reply(R"({"statusCode":400,"status":400})", form);
  if (request.method == "OPTIONS") {
    return options_reply(same_letters(segment, kCheck) ? "GET,HEAD,POST" : "GET,HEAD", form,
                         frame_);
  }
  if (request.method != "GET" && request.method != "HEAD") return not_found_reply(request, form);
  // No influencer has the largest number of 64 bits, so it stands for what is none.
  const auto pk = javascript_number(*decoded).value_or(~std::uint64_t{0});
  return influencer_reply(InfluencerId{pk}, {form, request.accepts_any_etag});
}

Reply Responder::error_reply(std::string_view error_json, PageForm form) {
  auto reply =
      reply_of({.status = 500, .body = fmt::format(R"({{"error":{}}})", error_json)}, form, frame_);
  reply.delay = faults_.latency.sample(random_at({seed_, ~std::uint64_t{0}, ++posts_}));
  return reply;
}

Reply Responder::not_found_reply(const Request& request, PageForm form) {
  return reply_of(
      {.status = 404,
       .content_type = kHtml,
       .body = fmt::format("Cannot {} {}\n", request.method, html_escaped(request.target)),
       .extra_headers = "X-Content-Type-Options: nosniff\r\n",
       .has_etag = false},
      form, frame_);
}

Reply Responder::simulator_reply(const Request& request, PageForm form) {
  if (path_of(request.target) == "/simulator/stats") {
    return reply_of({.body = to_json(tally_.counters())}, form, frame_);
  }
  if (path_of(request.target) == "/simulator/answers")
    return answers_reply(query_of(request.target), form);
  return not_found_reply(request, form);
}

Reply Responder::answers_reply(std::string_view query, PageForm form) {
  const auto pk = query.starts_with("pk=") ? whole_number(query.substr(3)) : std::nullopt;
  if (!pk || !answers_.enabled()) {
    return reply_of(
        {.status = 400,
         .body = R"({"error":"ask with ?pk=NUMBER, and let the simulator keep answers"})"},
        form, frame_);
  }
  std::string rows;
  for (const auto& answer : answers_.of(InfluencerId{*pk})) {
    rows +=
        fmt::format("{}[{},{},{}]", rows.empty() ? "" : ",", answer.at.time_since_epoch().count(),
                    answer.counts.followers, answer.counts.following);
  }
  return reply_of(
      {.body = fmt::format(R"({{"dropped":{},"answers":[{}]}})", answers_.dropped(), rows)}, form,
      frame_);
}

void Responder::record(InfluencerId id, Counts counts, std::chrono::microseconds delay) {
  answers_.add({id, counts, wall_ + std::chrono::floor<std::chrono::milliseconds>(delay)});
}

}  // namespace ia
