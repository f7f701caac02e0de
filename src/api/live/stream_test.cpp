// GET /api/v1/stream, against the running server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

struct Event {
  std::string name;
  std::string id;
  std::string data;
  bool operator==(const Event&) const = default;
};

class EventClient {
 public:
  EventClient(std::uint16_t port, std::string_view target, std::string_view headers = "")
      : client_(port) {
    std::string request = "GET ";
    request.append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    client_.send(request + "\r\n");
    head = client_.read();
  }

  // The next block of lines, up to an empty one.
  std::string block() {
    std::string text;
    while (!text.ends_with("\n\n")) {
      const auto byte = client_.read_bytes(1);
      if (byte.empty()) return "the end";
      text += byte;
    }
    return text;
  }

  Event next() {
    auto text = block();
    const auto field = [&text](const std::string& name) {
      const auto at = ("\n" + text).find("\n" + name + ": ");
      if (at == std::string::npos) return std::string();
      const auto begin = at + name.size() + 2;
      return text.substr(begin, text.find('\n', begin) - begin);
    };
    return {field("event"), field("id"), field("data")};
  }

  bool is_closed() { return client_.is_closed(); }

  Reply head;

 private:
  TestClient client_;
};

class Stream : public ::testing::Test {
 protected:
  void SetUp() override {
    world.clock.advance(minutes{10});
    world.watch({{InfluencerId{100}, InfluencerId{119}}});
    first = world.now_minute() - minutes{3};
    world.add(first, {{100, 500, 10}, {101, 900, 0}});
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  TestWorld world;
  Minute first;
};

TEST_F(Stream, TellsWhatTheOtherPathsTellNow) {
  EventClient events(world.port(), "/api/v1/stream?influencers=100,119");
  EXPECT_EQ(events.head.status, 200);
  EXPECT_EQ(events.head.header("content-type"), "text/event-stream");
  EXPECT_EQ(events.head.header("cache-control"), "no-store");
  EXPECT_EQ(events.head.header("x-accel-buffering"), "no");
  EXPECT_THAT(events.block(), MatchesRegex("retry: [0-9]+\n\n"));
  EXPECT_EQ(events.next(), (Event{"influencer", "", world.get("/api/v1/influencers/100").body}));
  EXPECT_EQ(events.next(), (Event{"influencer", "", world.get("/api/v1/influencers/119").body}));
  const auto summary = events.next();
  EXPECT_EQ(summary.name, "summary");
  EXPECT_NE(summary.id, "");
  EXPECT_EQ(summary.data, world.get("/api/v1/summary").body);
}

TEST_F(Stream, TellsWhatIsNewWhenItIsPublished) {
  EventClient events(world.port(), "/api/v1/stream?influencers=100,101");
  for (int i = 0; i < 3; ++i) (void)events.block();
  const auto before = events.next();
  world.add(first + minutes{1}, {{101, 950, 1}});
  world.clock.advance(seconds{1});
  const auto influencer = events.next();
  EXPECT_EQ(influencer.name, "influencer");
  EXPECT_THAT(influencer.data, StartsWith(R"({"id":101,"id_str":"101",)"));
  EXPECT_THAT(influencer.data, HasSubstr(R"("follower_count":950)"));
  const auto summary = events.next();
  EXPECT_EQ(summary.name, "summary");
  EXPECT_NE(summary.id, before.id);
  world.clock.advance(seconds{15});
  EXPECT_EQ(events.block(), ":\n\n");
}

TEST_F(Stream, GoesOnWhereTheClientWas) {
  std::string id;
  {
    EventClient events(world.port(), "/api/v1/stream");
    (void)events.block();
    id = events.next().id;
  }
  EventClient same(world.port(), "/api/v1/stream?influencers=100", "Last-Event-ID: " + id + "\r\n");
  EXPECT_THAT(same.block(), StartsWith("retry: "));
  EventClient behind(world.port(), "/api/v1/stream?influencers=100", "Last-Event-ID: 0\r\n");
  EXPECT_THAT(behind.block(), StartsWith("retry: "));
  EXPECT_EQ(behind.next().name, "influencer");
  EXPECT_EQ(behind.next().id, id);
  world.add(first + minutes{1}, {{101, 950, 1}});
  world.clock.advance(seconds{1});
  const auto first_of_same = same.next();
  EXPECT_EQ(first_of_same.name, "summary");
  EXPECT_EQ(first_of_same, behind.next());
}

TEST_F(Stream, SpreadsTheReturnOfItsClients) {
  EventClient one(world.port(), "/api/v1/stream");
  EventClient other(world.port(), "/api/v1/stream");
  EXPECT_NE(one.block(), other.block());
}

TEST_F(Stream, RefusesWhatItCannotTell) {
  const std::vector<std::pair<std::string, int>> cases = {
      {"?influencers=", 400},
      {"?influencers=100,x", 400},
      {"?influencers=100,", 400},
      {"?influencers=100,100", 400},
      {"?influencers=,100", 400},
      {"?influencers=100,99", 404},
      {"?x=1", 400},
  };
  for (const auto& [query, status] : cases) {
    const auto reply = world.get("/api/v1/stream" + query);
    EXPECT_EQ(reply.status, status) << query;
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
  }
  std::string many = "?influencers=1";
  for (int i = 2; i <= 101; ++i) many += "," + std::to_string(i);
  EXPECT_THAT(world.get("/api/v1/stream" + many).body,
              HasSubstr("must be 1 to 100 different ids with commas between them"));
  EXPECT_EQ(world.get("/api/v1/stream", "", "HEAD").status, 200);
}

TEST_F(Stream, CountsWhatIsOpenAndWhatWasTold) {
  EventClient events(world.port(), "/api/v1/stream?influencers=100");
  for (int i = 0; i < 3; ++i) (void)events.block();
  const auto is_counted = [](const std::string& text) {
    return text.find(R"(ia_stream_events_total{event="summary"} 1)") != std::string::npos;
  };
  auto text = world.get("/metrics").body;
  for (int i = 0; i < 1'000 && !is_counted(text); ++i) text = world.get("/metrics").body;
  EXPECT_TRUE(is_counted(text));
  EXPECT_THAT(text, HasSubstr("ia_http_streams 1\n"));
  EXPECT_THAT(text, HasSubstr(R"(ia_stream_events_total{event="influencer"} 1)"));
}

TEST_F(Stream, EndsWhenTheServerStops) {
  EventClient events(world.port(), "/api/v1/stream");
  for (int i = 0; i < 2; ++i) (void)events.block();
  world.server().stop();
  EXPECT_TRUE(events.is_closed());
}

}  // namespace
}  // namespace ia
