#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <queue>
#include <random>

#include "net/governor.h"
#include "net/order_book.h"

namespace ia {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What requests come to while the network is out.
enum class Outage { kRefuses, kErrors, kHangs };

struct Network {
  double error_share = 0;
  milliseconds latency{5};
  Outage outage = Outage::kRefuses;
};

// A governor before a simulated network: influencers become due at a rate, are requested as the
// governor allows, and given up when they have waited for a minute.
class OutageSimulation {
 public:
  OutageSimulation(double due_per_second, Network network, unsigned seed = 1)
      : due_per_second_(due_per_second), network_(network), random_(seed) {}

  // Runs for that long; returns how many requests per second were begun.
  double run(seconds time, bool is_out = false) {
    const auto before = requests_;
    for (const auto end = now_ + time; now_ < end; now_ += kStep) {
      add_due();
      settle(is_out);
      begin();
      governor_.refresh(now_);
      while (!due_.empty() && now_ - due_.front() > seconds{60}) due_.pop_front();
    }
    return static_cast<double>(requests_ - before) / static_cast<double>(time.count());
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  static constexpr milliseconds kStep{5};
  static constexpr seconds kRequestTimeout{5};
  struct Request {
    MonoTime ends;
    MonoTime began;
    bool hangs;
    bool operator>(const Request& other) const { return ends > other.ends; }
  };

  void add_due() {
    owed_ += due_per_second_ * duration<double>(kStep).count();
    for (; owed_ >= 1; owed_ -= 1) due_.push_back(now_);
  }
  void begin() {
    auto room = std::min(governor_.capacity(now_), due_.size());
    for (; room > 0; --room) {
      due_.pop_front();
      governor_.on_begin(1);
      ++requests_;
      in_flight_.push({now_ + network_.latency, now_, false});
    }
  }
  void settle(bool is_out) {
    while (!in_flight_.empty() && in_flight_.top().ends <= now_) {
      auto request = in_flight_.top();
      in_flight_.pop();
      if (request.hangs) {
        governor_.on_lost(now_, MissReason::kTimeout);
      } else if (is_out && network_.outage == Outage::kHangs) {
        request.hangs = true;
        request.ends = request.began + kRequestTimeout;
        in_flight_.push(request);
      } else if (is_out && network_.outage == Outage::kRefuses) {
        governor_.on_unreachable(1, now_, MissReason::kConnection, "connection refused");
      } else {
        reply(is_out);
      }
    }
  }
  void reply(bool is_out) {
    governor_.on_reply(network_.latency);
    const bool fails = is_out || std::bernoulli_distribution(network_.error_share)(random_);
    fails ? governor_.on_failed_reply(now_, MissReason::kServerError) : governor_.on_value(now_);
  }

  double due_per_second_;
  Network network_;
  std::mt19937_64 random_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { lines_.emplace_back(line); }};
  Governor governor_{{.max_connections = 4'096}, log_};
  MonoTime now_{seconds{1'000'000}};
  double owed_ = 0;
  std::deque<MonoTime> due_;
  std::priority_queue<Request, std::vector<Request>, std::greater<>> in_flight_;
  std::uint64_t requests_ = 0;
};

struct Case {
  double due_per_second;
  milliseconds latency;
};

class GovernorOutageTest : public ::testing::TestWithParam<Outage> {};

TEST_P(GovernorOutageTest, TheRateFromBeforeAnOutageIsBackThirtySecondsAfterItsEnd) {
  for (const auto [rate, latency] : {Case{17, milliseconds{5}}, Case{500, milliseconds{20}},
                                     Case{500, milliseconds{400}}}) {
    for (int errors = 0; errors <= 9; ++errors) {
      for (const auto out : {seconds{10}, seconds{60}, seconds{600}}) {
        OutageSimulation world(rate, {errors / 10.0, latency, GetParam()},
                               static_cast<unsigned>(errors));
        world.run(minutes{5});
        const auto before = std::min(rate, world.run(minutes{1}));
        world.run(out, true);
        world.run(seconds{30});
        EXPECT_GE(world.run(minutes{1}), 0.95 * before)
            << rate << "/s, " << latency.count() << " ms, " << errors * 10 << " % errors, out for "
            << out.count() << " s";
      }
    }
  }
}

TEST_P(GovernorOutageTest, ALongOutageIsOneLineWhenItBeginsOneWhenItHasLastedAndOneAtItsEnd) {
  for (int errors = 0; errors <= 9; ++errors) {
    OutageSimulation world(100, {errors / 10.0, milliseconds{5}, GetParam()});
    world.run(minutes{2});
    EXPECT_THAT(world.lines(), SizeIs(0));
    world.run(minutes{10}, true);
    world.run(minutes{5});
    ASSERT_THAT(world.lines(), SizeIs(3)) << errors;
    EXPECT_THAT(world.lines()[1], HasSubstr("still in trouble"));
    EXPECT_THAT(world.lines()[2], HasSubstr("the network answers again"));
  }
}

TEST_P(GovernorOutageTest, ANetworkThatIsOutGetsAFewRequestsPerSecond) {
  OutageSimulation world(1'000, {0, milliseconds{5}, GetParam()});
  world.run(minutes{1});
  world.run(minutes{2}, true);
  EXPECT_LE(world.run(minutes{1}, true), 9);
}

INSTANTIATE_TEST_SUITE_P(Networks, GovernorOutageTest,
                         ::testing::Values(Outage::kRefuses, Outage::kErrors, Outage::kHangs),
                         [](const auto& outage) {
                           return std::string(outage.param == Outage::kRefuses  ? "refuses"
                                              : outage.param == Outage::kErrors ? "errors"
                                                                                : "hangs");
                         });

}  // namespace
}  // namespace ia
