#include "net/wire.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "net/readiness.h"

namespace ia {
namespace {

using End = Transfer::End;

// A wire and its peer's socket.
struct Pair {
  Pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) ADD_FAILURE();
    wire = Wire(ends[0]);
    peer = Wire(ends[1]);
  }
  Wire wire, peer;
};

class WireTest : public ::testing::Test {
 protected:
  std::string received() const { return {space_.data(), got_.bytes}; }
  void receive() { got_ = pair_.wire.receive(space_); }

  Pair pair_;
  std::array<char, 8> space_{};
  Transfer got_;
};

TEST_F(WireTest, ReadsWhatHasComeAndKnowsThatItWasAll) {
  pair_.peer.send("1234567");
  receive();
  EXPECT_EQ(received(), "1234567");
  EXPECT_FALSE(got_.may_be_more) << "another read would find nothing";
}

TEST_F(WireTest, KnowsThatThereMayBeMoreWhenTheSpaceIsFull) {
  pair_.peer.send("123456789");
  receive();
  EXPECT_EQ(received(), "12345678");
  EXPECT_TRUE(got_.may_be_more);
  receive();
  EXPECT_EQ(received(), "9");
  EXPECT_FALSE(got_.may_be_more);
}

TEST_F(WireTest, TellsNothingYetFromAnEnd) {
  receive();
  EXPECT_EQ(got_.bytes, 0u);
  EXPECT_FALSE(got_.has_ended());
  pair_.peer.close();
  receive();
  EXPECT_EQ(got_.end, End::kClosed);
}

TEST_F(WireTest, SurvivesAWriteToAPeerThatIsGone) {
  pair_.peer.close();
  const auto sent = pair_.wire.send("x");
  EXPECT_EQ(sent.end, End::kBroken);
  EXPECT_EQ(sent.cause, "Broken pipe");
}

TEST_F(WireTest, SendsAsMuchAsTheSocketTakes) {
  const std::string much(1 << 24, 'x');
  const auto sent = pair_.wire.send(much);
  EXPECT_GT(sent.bytes, 0u);
  EXPECT_LT(sent.bytes, much.size());
  EXPECT_EQ(pair_.wire.send("x").bytes, 0u);
  EXPECT_FALSE(pair_.wire.send("x").has_ended());
}

class ReadinessTest : public ::testing::Test {
 protected:
  std::vector<Readiness::Event> poll() {
    std::vector<Readiness::Event> events;
    readiness_.poll([&](const Readiness::Event& event) { events.push_back(event); });
    return events;
  }
  void add() {
    ASSERT_TRUE(readiness_.add(pair_.wire.socket(), this));
    for (const auto& event : poll()) EXPECT_FALSE(event.may_read) << "nothing has come";
  }

  Pair pair_;
  Readiness readiness_;
  std::array<char, 8> space_{};
};

TEST_F(ReadinessTest, ReportsEachArrivalOnce) {
  add();
  for (int i = 0; i < 2; ++i) {
    pair_.peer.send("x");
    const auto events = poll();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].owner, this);
    EXPECT_TRUE(events[0].may_read);
    EXPECT_FALSE(events[0].is_ending);
    EXPECT_TRUE(poll().empty());
  }
}

TEST_F(ReadinessTest, ReportsWhatCameBeforeTheSocketWasAdded) {
  pair_.peer.send("x");
  ASSERT_TRUE(readiness_.add(pair_.wire.socket(), this));
  const auto events = poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].may_read);
}

TEST_F(ReadinessTest, ReportsAnEndTogetherWithTheBytesBeforeIt) {
  add();
  pair_.peer.send("x");
  pair_.peer.close();
  const auto events = poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].is_ending);
  EXPECT_EQ(pair_.wire.receive(space_).bytes, 1u);
  EXPECT_EQ(pair_.wire.receive(space_).end, End::kClosed);
}

TEST_F(ReadinessTest, ReportsAnEndThatComesBetweenAReportAndItsRead) {
  add();
  pair_.peer.send("x");
  ASSERT_EQ(poll().size(), 1u);
  pair_.peer.close();
  EXPECT_FALSE(pair_.wire.receive(space_).may_be_more);
  const auto events = poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].is_ending);
}

TEST_F(ReadinessTest, ForgetsASocketThatIsClosed) {
  add();
  pair_.peer.send("x");
  pair_.wire.close();
  EXPECT_TRUE(poll().empty());
}

}  // namespace
}  // namespace ia
