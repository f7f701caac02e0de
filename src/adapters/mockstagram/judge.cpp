#include "adapters/mockstagram/judge.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string_view>
#include <utility>

#include "base/json_object.h"
#include "net/curl.h"
#include "net/http_dialect.h"

namespace ia {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReplyBytesMax = 64u << 10;
constexpr long kNotFound = 404;
constexpr long kTooMany = 429;

// One under way. libcurl has its address.
struct Call {
  InfluencerId influencer;
  Suspect suspect;
  std::string body;
  std::string reply;
  MonoTime asked_at;
  curl::Easy easy{curl_easy_init()};
  char error[CURL_ERROR_SIZE] = "";
};

std::size_t append_reply(char* data, std::size_t, std::size_t size, void* call) {
  auto& reply = static_cast<Call*>(call)->reply;
  if (reply.size() + size > kReplyBytesMax) return 0;
  reply.append(data, size);
  return size;
}

std::string body_of(const Suspect& suspect) {
  return JsonObject()
      .number("pk", static_cast<std::int64_t>(number_of(suspect.influencer)))
      .text("username", suspect.username)
      .number("followerCount", suspect.counts.followers)
      .number("followingCount", suspect.counts.following)
      .str();
}

class MockstagramJudge final : public Judge {
 public:
  MockstagramJudge(const MockstagramJudgeOptions& options, const Clock& clock)
      : options_(options),
        clock_(clock),
        url_(options.url + "/api/v1/influencers/is_suspicious"),
        proxy_(options.proxies.find(url_)) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options.max_connections));
  }
  ~MockstagramJudge() override { MockstagramJudge::cancel(); }

  void ask(Suspect suspect) override {
    if (!proxy_) return refuse(std::move(suspect));
    waiting_.push_back(std::move(suspect));
    begin_calls();
  }

  std::vector<Ruling> take(milliseconds wait) override {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    auto rulings = collect();
    begin_calls();
    if (!rulings.empty() || wait <= milliseconds{0}) return rulings;
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
    curl_multi_perform(multi_.get(), &running);
    rulings = collect();
    begin_calls();
    return rulings;
  }

  std::size_t in_flight() const override {
    return calls_.size() + waiting_.size() + refused_.size();
  }

  void cancel() override {
    for (const auto& [easy, call] : calls_) curl_multi_remove_handle(multi_.get(), easy);
    calls_.clear();
    waiting_.clear();
    refused_.clear();
  }

 private:
  void refuse(Suspect suspect) {
    refused_.push_back({.suspect = std::move(suspect),
                        .at = clock_.wall(),
                        .took = milliseconds{0},
                        .retry_after = std::chrono::seconds{0},
                        .suspicious = std::unexpected(proxy_.error())});
  }

  // One call per connection. libcurl would queue the others too, but how it goes on with them
  // differs between its versions, and their time-outs would run while they wait.
  void begin_calls() {
    while (!waiting_.empty() &&
           calls_.size() < std::max<std::size_t>(1, options_.max_connections)) {
      begin(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }

  void begin(Suspect suspect) {
    auto call = std::make_unique<Call>();
    call->body = body_of(suspect);
    call->influencer = suspect.influencer;
    call->suspect = std::move(suspect);
    call->asked_at = clock_.mono();
    prepare(*call);
    auto* const easy = call->easy.get();
    calls_.emplace(easy, std::move(call));
    curl_multi_add_handle(multi_.get(), easy);
  }

  void prepare(Call& call) {
    auto* const easy = call.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl::set_proxy(easy, *proxy_);
    curl::set_tls(easy, options_.ca_file);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity");  // undoes gzip all the same
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options_.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call.error);
  }

  std::vector<Ruling> collect() {
    auto rulings = std::exchange(refused_, {});
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      auto* const easy = message->easy_handle;
      const auto code = message->data.result;  // the message goes with the handle
      curl_multi_remove_handle(multi_.get(), easy);
      const auto ended = calls_.extract(easy);
      auto& call = *ended.mapped();
      const auto now = clock_.wall();
      rulings.push_back(
          {.suspect = std::move(call.suspect),
           .at = now,
           .took = std::chrono::floor<milliseconds>(clock_.mono() - call.asked_at),
           .retry_after = curl::retry_after(easy, now).value_or(std::chrono::seconds{0}),
           .suspicious = outcome(call, code)});
    }
    return rulings;
  }

  static Result<bool> outcome(const Call& call, CURLcode code) {
    if (code != CURLE_OK) {
      return fail(Errc::kUnavailable, curl::failure_text(call.easy.get(), code, call.error));
    }
    long status = 0;
    curl_easy_getinfo(call.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (is_value(static_cast<unsigned>(status))) return parse_ruling(call.influencer, call.reply);
    const auto what =
        with_proxy_advice(fmt::format("status {}", status), static_cast<unsigned>(status));
    if (status == kTooMany) return fail(Errc::kOverloaded, what);
    return fail(status == kNotFound ? Errc::kNotFound : Errc::kUnavailable, what);
  }

  const MockstagramJudgeOptions options_;
  const Clock& clock_;
  const std::string url_;
  const Result<std::optional<HttpProxy>> proxy_;
  const curl::HeaderList headers_ =
      curl::header_list(std::array<std::string, 1>{"Content-Type: application/json"});
  // Their handles go before the multi handle, and are taken out of it before they go.
  curl::Multi multi_{curl_multi_init()};
  std::map<CURL*, std::unique_ptr<Call>> calls_;
  std::deque<Suspect> waiting_;
  std::vector<Ruling> refused_;  // as the proxy cannot be used
};

}  // namespace

Result<bool> parse_ruling(InfluencerId asked, std::string_view reply) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::uint64_t pk = 0;
  bool suspicious = false;
  if (!read_json_object(parser, reply, object) || object["suspicious"].get(suspicious)) {
    return fail(Errc::kUnavailable, "the reply is not a verdict");
  }
  if (object["pk"].get(pk) || pk != number_of(asked)) {
    return fail(Errc::kUnavailable, "the reply is on another influencer");
  }
  return suspicious;
}

std::unique_ptr<Judge> make_mockstagram_judge(const MockstagramJudgeOptions& options,
                                              const Clock& clock) {
  curl::initialise();
  return std::make_unique<MockstagramJudge>(options, clock);
}

}  // namespace ia
