#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "core/point_batch.h"
#include "net/http_lane.h"
#include "net/scripted_server.h"
#include "testing/manual_clock.h"

namespace ia {

// A network for tests: GET /of/7 is answered with "7 FOLLOWERS FOLLOWING NAME" and blanks.
class PlainDialect final : public HttpDialect {
 public:
  void append_path(std::string& out, InfluencerId influencer) const override {
    out += "/of/" + std::to_string(number_of(influencer));
  }
  Judgement judge(InfluencerId influencer, const HttpReply& reply) override {
    if (reply.is_unreadable) return {};
    if (!is_value(reply.status)) return judge_status(reply.status);
    std::string_view rest = reply.body;
    const auto id = next(rest), followers = next(rest), following = next(rest);
    if (!id || !followers || !following) return {};
    if (*id != static_cast<std::int64_t>(number_of(influencer))) return {.wrong_id = true};
    return {.kind = Judgement::Kind::kValue, .counts = {*followers, *following}, .username = rest};
  }

 private:
  static std::optional<std::int64_t> next(std::string_view& rest) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || end == rest.data() + rest.size() || *end != ' ') return {};
    rest = {end + 1, rest.data() + rest.size()};
    return number;
  }
};

inline std::string http_reply(std::string_view body, std::string_view status = "200 OK",
                              std::string_view fields = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

inline std::uint64_t id_in(const std::string& path) { return std::stoull(path.substr(4)); }

inline std::string body_for(std::uint64_t id) {
  return std::to_string(id) + " " + std::to_string(id * 10) + " 5 name-" + std::to_string(id);
}

// What a sound server says.
inline std::string answer_to(const std::string& path) { return http_reply(body_for(id_in(path))); }

inline void answer_all(ScriptedPeer& peer) {
  while (const auto path = peer.next_path()) {
    if (!peer.send(answer_to(*path))) return;
  }
}

// Plays `text` as the answer to every request, and counts them.
struct Repeating {
  std::string text;
  std::atomic<std::size_t> requests = 0;
  ScriptedServer server{[this](ScriptedPeer& peer) {
    while (peer.next_path()) {
      ++requests;
      if (!peer.send(text)) return;
    }
  }};
  explicit Repeating(std::string what) : text(std::move(what)) {}
};

class LaneTest : public ::testing::Test {
 protected:
  using Reasons = std::map<MissReason, std::size_t>;
  static constexpr std::chrono::seconds kPatience{30};  // for what happens at once
  static constexpr std::chrono::hours kForever{1};

  // With short waits, unless `options` has shorter ones.
  void open(const ScriptedServer& server, HttpLaneOptions options = {}) {
    options.url = server.url();
    options.retry_base = std::min(options.retry_base, std::chrono::milliseconds{2});
    options.pause = std::min(options.pause, std::chrono::milliseconds{20});
    options.probe_every = std::min(options.probe_every, std::chrono::milliseconds{20});
    open(std::move(options));
  }
  void open(HttpLaneOptions options) {
    auto lane = HttpLane::create(std::move(options), std::make_unique<PlainDialect>(), *time_,
                                 metrics_, log_);
    ASSERT_TRUE(lane) << lane.error().message;
    lane_ = std::move(*lane);
  }
  // Nothing but the end of its order can end a request.
  static HttpLaneOptions patient(HttpLaneOptions options) {
    options.connect_timeout = options.request_timeout = options.stall_timeout = kForever;
    return options;
  }

  static std::vector<InfluencerId> ids(std::uint64_t first, std::uint64_t count) {
    std::vector<InfluencerId> ids;
    for (std::uint64_t i = 0; i < count; ++i) ids.push_back(InfluencerId{first + i});
    return ids;
  }
  void start(std::vector<InfluencerId> influencers, std::chrono::milliseconds time = kPatience,
             std::uint64_t ticket = 1) {
    const auto now = time_->wall();
    lane_->start({.ticket = ticket,
                  .influencers = std::move(influencers),
                  .start_before = now + time,
                  .finish_before = now + time + std::chrono::milliseconds{200}});
  }
  FinishedFetch finish() {
    auto finished = lane_->take_finished(kPatience);
    if (finished.size() == 1) return std::move(finished.front());
    ADD_FAILURE() << finished.size() << " orders finished";
    return {};
  }
  FinishedFetch fetch(std::vector<InfluencerId> influencers,
                      std::chrono::milliseconds time = kPatience) {
    const auto asked = influencers;
    start(std::move(influencers), time);
    auto fetch = finish();
    expect_each_once(asked, fetch);
    return fetch;
  }
  static void expect_each_once(const std::vector<InfluencerId>& asked, const FinishedFetch& fetch) {
    std::vector<InfluencerId> ended;
    for (const auto& value : fetch.values) ended.push_back(value.influencer);
    EXPECT_TRUE(std::ranges::is_sorted(ended));
    const auto values = static_cast<std::ptrdiff_t>(ended.size());
    for (const auto& miss : fetch.misses) ended.push_back(miss.influencer);
    EXPECT_TRUE(std::is_sorted(ended.begin() + values, ended.end()));
    std::ranges::sort(ended);
    EXPECT_EQ(ended, asked);
  }
  static Reasons reasons(const FinishedFetch& fetch) {
    Reasons reasons;
    for (const auto& miss : fetch.misses) ++reasons[miss.reason];
    return reasons;
  }
  // Of a counter, once the lane has published it.
  std::uint64_t counted(const std::string& line) {
    const auto text = metrics_.text();
    const auto at = text.find("\n" + line + " ");
    return at == text.npos ? 0 : std::stoull(text.substr(at + line.size() + 2));
  }
  // Waits for what comes within a moment.
  template <class Condition>
  static bool comes_true(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
  }

  SystemClock clock_;
  const Clock* time_ = &clock_;  // the lane's
  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kText};
  std::unique_ptr<HttpLane> lane_;
};

// With a clock that the test moves.
class LaneTimeTest : public LaneTest {
 protected:
  LaneTimeTest() { time_ = &manual_; }

  // Lets as much time pass as it takes for an error to be known.
  void wait_for_trouble() {
    ASSERT_TRUE(comes_true([&] {
      manual_.advance(std::chrono::milliseconds{60});
      return !lane_->health().last_error.empty();
    }));
  }
  // Of an order that ends within the minute, so that the leap is not taken for a stop into another.
  FinishedFetch finish_late_in_the_minute() {
    manual_.advance(minute_of(manual_.wall()) + std::chrono::seconds{59} - manual_.wall());
    return finish();
  }
  void begin_a_minute() {
    const auto next = minute_of(manual_.wall()) + std::chrono::minutes{1};
    manual_.advance(next - manual_.wall());
  }
  static constexpr std::chrono::seconds kMostOfAMinute{50};

  ManualClock manual_;
};

}  // namespace ia
