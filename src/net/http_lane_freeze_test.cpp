#include <gmock/gmock.h>

#include <atomic>

#include "net/lane_fixture.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A server that answers when it is told to. The clock moves in one step while replies wait, which
// to the lane is the same as if nothing had run meanwhile.
class FreezeTest : public LaneTimeTest {
 protected:
  void open_at(milliseconds into_the_minute, HttpLaneOptions options = {}) {
    manual_.advance(into_the_minute);
    options.max_connections = 4;
    open([&] {
      auto patience = patient(options);
      patience.url = server_.url();
      return patience;
    }());
  }
  void freeze(milliseconds time, std::size_t requests = 4) {
    ASSERT_TRUE(comes_true([&] { return requests_ >= requests; }));
    manual_.advance(time);
    goes_on_ = true;
  }

  std::atomic<std::size_t> requests_ = 0;
  std::atomic<bool> goes_on_ = false;
  ScriptedServer server_{[this](ScriptedPeer& peer) {
    while (const auto path = peer.next_path()) {
      ++requests_;
      comes_true([&] { return goes_on_.load(); });
      if (!peer.send(answer_to(*path))) return;
    }
  }};
};

TEST_F(FreezeTest, AReplyFromBeforeAStopIsNoValueOfALaterMinute) {
  for (const std::size_t depth : {1u, 4u}) {
    goes_on_ = false;
    requests_ = 0;
    open_at(ManualClock::kStart + seconds{55} + (depth == 1 ? seconds{0} : seconds{120}) -
                manual_.wall(),
            {.pipelining = depth});
    start(ids(1, 4), seconds{4});
    freeze(seconds{10}, 4 / depth);
    const auto fetched = finish();
    EXPECT_THAT(fetched.values, IsEmpty());
    EXPECT_EQ(reasons(fetched), (Reasons{{MissReason::kDown, 4}})) << "depth " << depth;
  }
}

// The monotonic clock of a paused virtual machine may stand still: then no order is over.
TEST_F(FreezeTest, AReplyFromBeforeAPauseThatOnlyTheWallClockTellsIsNone) {
  open_at(seconds{30});
  start(ids(1, 4), seconds{25});
  ASSERT_TRUE(comes_true([&] { return requests_ >= 4; }));
  manual_.step_wall(seconds{600});
  goes_on_ = true;
  const auto fetched = finish();
  EXPECT_THAT(fetched.values, IsEmpty());
  EXPECT_EQ(reasons(fetched), (Reasons{{MissReason::kClock, 4}}));
}

TEST_F(FreezeTest, AReplyFromBeforeAStopWithinTheMinuteIsAValueOfIt) {
  open_at(seconds{10});
  start(ids(1, 4), seconds{45});
  freeze(seconds{30});
  const auto fetched = finish();
  EXPECT_THAT(fetched.values, SizeIs(4));
  for (const auto& value : fetched.values) {
    EXPECT_EQ(minute_of(value.retrieved_at), minute_of(ManualClock::kStart));
  }
}

TEST_F(FreezeTest, TimeInWhichNothingRanIsNoTimeout) {
  manual_.advance(seconds{10});
  HttpLaneOptions options{.url = server_.url(), .max_connections = 4};
  options.request_timeout = options.stall_timeout = seconds{5};
  open(options);
  start(ids(1, 4), seconds{45});
  freeze(seconds{20});
  EXPECT_THAT(finish().values, SizeIs(4));
  EXPECT_EQ(requests_, 4u);
}

// Nothing looks at the clock between the end of an order and the bytes: they come too late.
TEST_F(FreezeTest, AReplyPastTheEndOfItsOrderIsNoValue) {
  open_at(seconds{10});
  start(ids(1, 4), seconds{20});
  freeze(seconds{30});
  const auto fetched = finish();
  EXPECT_THAT(fetched.values, IsEmpty());
  EXPECT_EQ(reasons(fetched), (Reasons{{MissReason::kTimeout, 4}}));
}

TEST_F(FreezeTest, WhatWasNeverRequestedBecauseOfAStopIsMissedAsDown) {
  open_at(seconds{50});
  start(ids(1, 50), seconds{8});
  freeze(seconds{60});
  EXPECT_EQ(reasons(finish()), (Reasons{{MissReason::kDown, 50}}));
}

}  // namespace
}  // namespace ia
