#include "api/past/later.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "testing/manual_clock.h"

namespace ia {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

struct Text {
  std::string text;
  std::size_t bytes() const { return text.size(); }
};

constexpr std::uint64_t kClient = 7;

class LaterTest : public ::testing::Test {
 protected:
  using Texts = Later<int, Text>;

  // Comes back until it is there, as clients do.
  std::string get(int key, const Texts::Make& make) {
    while (true) {
      const auto got = texts_.get(key, kClient, seconds{60}, make);
      if (got) return (*got)->text;
      if (got.error().kind != "being-made") return got.error().detail;
      std::this_thread::yield();
    }
  }
  // Says how often it was called.
  Texts::Make counting() {
    return [this](const GoOn&) { return Text{std::to_string(++made_)}; };
  }

  ManualClock clock_;
  std::atomic<int> made_ = 0;
  std::promise<void> release_;
  LaterThread thread_{clock_};
  Texts texts_{thread_, clock_, 10};
};

TEST_F(LaterTest, MakesAValueOnceAndKeepsIt) {
  EXPECT_EQ(get(1, counting()), "1");
  EXPECT_EQ(get(1, counting()), "1");
  EXPECT_EQ(get(2, counting()), "2");
  EXPECT_EQ(get(1, counting()), "1");
}

TEST_F(LaterTest, MakesItAgainWhenItIsNotGoodAnyMore) {
  EXPECT_EQ(get(1, counting()), "1");
  clock_.advance(seconds{60});
  EXPECT_EQ(get(1, counting()), "1");
  clock_.advance(seconds{1});
  EXPECT_EQ(get(1, counting()), "2");
}

TEST_F(LaterTest, SaysToComeBackWhileItIsBeingMade) {
  const auto released = release_.get_future().share();
  const Texts::Make slow = [released](const GoOn&) {
    released.wait();
    return Text{"slow"};
  };
  for (int i = 0; i < 3; ++i) {
    const auto got = texts_.get(1, kClient, seconds{60}, slow);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().status, 503);
    EXPECT_EQ(got.error().retry_after_seconds, 1);
  }
  release_.set_value();
  EXPECT_EQ(get(1, slow), "slow");
}

TEST_F(LaterTest, DropsWhatNobodyAskedForLongestWhenThereIsTooMuch) {
  const auto of = [this](int bytes) {
    return [this, bytes](const GoOn&) {
      ++made_;
      return Text{std::string(static_cast<std::size_t>(bytes), 'x')};
    };
  };
  get(1, of(4));
  get(2, of(4));
  get(1, of(4));
  get(3, of(4));  // 12 bytes are too many: 2 goes
  get(3, of(4));
  EXPECT_EQ(made_, 3);
  get(1, of(4));
  EXPECT_EQ(made_, 3);
  get(2, of(4));
  EXPECT_EQ(made_, 4);
  EXPECT_EQ(get(9, of(99)).size(), 99u);  // larger than all that is kept
}

TEST_F(LaterTest, PassesOnWhatFailedAndTriesAgainLater) {
  const Texts::Make failing = [this](const GoOn&) -> Result<Text> {
    ++made_;
    return fail(Errc::kUnavailable, "no store");
  };
  EXPECT_THAT(get(1, failing), HasSubstr("no store"));
  EXPECT_THAT(get(1, failing), HasSubstr("no store"));
  EXPECT_EQ(made_, 1);
  clock_.advance(seconds{3});
  EXPECT_EQ(get(1, counting()), "2");
}

TEST_F(LaterTest, AbandonsWhatNobodyComesBackFor) {
  std::promise<void> abandoned;
  const Texts::Make endless = [&](const GoOn& go_on) -> Result<Text> {
    while (go_on()) std::this_thread::yield();
    abandoned.set_value();
    return fail(Errc::kCancelled, "");
  };
  ASSERT_FALSE(texts_.get(1, kClient, seconds{60}, endless));
  clock_.advance(kWantedAfter + seconds{1});
  abandoned.get_future().wait();
  EXPECT_EQ(get(1, counting()), "1");
}

TEST_F(LaterTest, RefusesMoreThanAFewAtATime) {
  const auto released = release_.get_future().share();
  const Texts::Make slow = [released](const GoOn&) {
    released.wait();
    return Text{"slow"};
  };
  std::size_t refused = 0;
  for (int key = 0; key < 30; ++key) {
    const auto client = static_cast<std::uint64_t>(key);
    const auto got = texts_.get(key, client, seconds{60}, slow);
    ASSERT_FALSE(got);
    refused += got.error().detail.starts_with("Too many");
  }
  // One may have been taken off to be made already.
  EXPECT_GE(refused, 30 - LaterThread::kWaitingMax - 1);
  release_.set_value();
  EXPECT_EQ(get(0, slow), "slow");
}

TEST_F(LaterTest, RefusesMoreThanAClientsShareAndLetsOthersIn) {
  const auto released = release_.get_future().share();
  const Texts::Make slow = [released](const GoOn&) {
    released.wait();
    return Text{"slow"};
  };
  int status = 0;
  for (int key = 0; key < 6; ++key) {
    status = texts_.get(key, kClient, seconds{60}, slow).error().status;
  }
  EXPECT_EQ(status, 429);
  EXPECT_EQ(texts_.get(9, kClient + 1, seconds{60}, slow).error().kind, kBeingMade);
  release_.set_value();
  EXPECT_EQ(get(0, slow), "slow");
}

TEST_F(LaterTest, LetsClientsTakeTurnsStepByStep) {
  std::vector<int> steps;
  std::promise<void> begun;
  std::promise<void> done;
  const auto released = release_.get_future().share();
  thread_.begin(1, [&, left = 3](const GoOn&) mutable {
    if (left == 3) begun.set_value();
    released.wait();
    steps.push_back(1);
    return --left > 0;
  });
  begun.get_future().wait();
  thread_.begin(2, [&](const GoOn&) {
    steps.push_back(2);
    return false;
  });
  thread_.begin(1, [&](const GoOn&) {
    done.set_value();
    return false;
  });
  release_.set_value();
  done.get_future().wait();
  EXPECT_EQ(steps[1], 2) << "after one step of the other's";
}

TEST_F(LaterTest, AsksAgainForThoseWhoWaitWhenSomethingIsMade) {
  std::promise<std::string> answer;
  ASSERT_FALSE(texts_.get(1, kClient, seconds{60}, counting()));
  thread_.when_made([&] {
    const auto got = texts_.get(1, kClient, seconds{60}, counting());
    if (got) answer.set_value((*got)->text);
    return got.has_value();
  });
  EXPECT_EQ(answer.get_future().get(), "1");
  EXPECT_EQ(made_, 1);
}

TEST_F(LaterTest, AsksAtOnceForThoseWhoComeWhenItIsMadeAlready) {
  EXPECT_EQ(get(1, counting()), "1");
  std::promise<void> asked;
  thread_.when_made([&] {
    asked.set_value();
    return true;
  });
  asked.get_future().wait();
}

// They are what keeps a long work wanted.
TEST_F(LaterTest, AsksAgainEverySecondWhileSomethingIsMade) {
  std::atomic<int> asked = 0;
  std::atomic<bool> somebody_waits = false;
  std::promise<void> often;
  const Texts::Make endless = [&](const GoOn& go_on) -> Result<Text> {
    while (go_on() && asked < 40) {
      if (somebody_waits) clock_.advance(std::chrono::milliseconds{500});
    }
    return Text{"made"};
  };
  ASSERT_FALSE(texts_.get(1, kClient, seconds{60}, endless));
  thread_.when_made([&] {
    const auto got = texts_.get(1, kClient, seconds{60}, endless);
    ++asked;
    if (got) often.set_value();
    return got.has_value();
  });
  somebody_waits = true;
  often.get_future().wait();
  EXPECT_GE(asked, 40);
}

TEST_F(LaterTest, OutlivesWhatThrows) {
  const Texts::Make throwing = [](const GoOn&) -> Result<Text> {
    throw std::runtime_error("too large");
  };
  EXPECT_THAT(get(1, throwing), HasSubstr("too large"));
  EXPECT_EQ(get(2, counting()), "1");
}

TEST(LaterThread, StopsWhatItIsMaking) {
  ManualClock clock;
  auto thread = std::make_unique<LaterThread>(clock);
  Later<int, Text> texts(*thread, clock, 10);
  ASSERT_FALSE(texts.get(1, 7, seconds{1}, [](const GoOn& go_on) -> Result<Text> {
    while (go_on()) std::this_thread::yield();
    return fail(Errc::kCancelled, "");
  }));
  thread.reset();
}

}  // namespace
}  // namespace ia
