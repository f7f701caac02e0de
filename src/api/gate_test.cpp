#include "api/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ia {
namespace {

using ::testing::HasSubstr;

class GateTest : public ::testing::Test {
 protected:
  HttpResponse get(std::string_view target) {
    HttpRequest request;
    request.target = target;
    HttpResponse response;
    response.clear();
    gate_.answer(request, response);
    return response;
  }

  Metrics metrics_;
  Gate gate_{metrics_, "1.2.3"};
};

TEST_F(GateTest, SaysWhatTheProcessIsDoingUntilItOpens) {
  for (const char* target : {"/readyz", "/", "/api/v1/summary", "/influencer_analytics/7", "*"}) {
    EXPECT_EQ(get(target).status, 503) << target;
  }
  gate_.say("reading the newest values");
  const auto answer = get("/readyz?x=1");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("starting: reading the newest values"));
  EXPECT_THAT(answer.headers, HasSubstr("Retry-After"));
}

TEST_F(GateTest, IsAliveAndMeasuredMeanwhile) {
  metrics_.gauge("a_gauge", "Of the test.").set(7);
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_THAT(get("/healthz").body, HasSubstr("1.2.3"));
  EXPECT_THAT(get("/metrics").body, HasSubstr("a_gauge 7"));
  EXPECT_THAT(get("/metrics").body, HasSubstr("process_cpu_seconds_total"));
}

TEST_F(GateTest, LeavesEverythingToTheHandlerOnceOpen) {
  gate_.open([](const HttpRequest&, HttpResponse& response) { response.body = "mine"; });
  for (const char* target : {"/healthz", "/readyz", "/metrics", "/"}) {
    EXPECT_EQ(get(target).status, 200) << target;
    EXPECT_EQ(get(target).body, "mine") << target;
  }
}

}  // namespace
}  // namespace ia
