#include "adapters/postgres/sqlstate.h"

#include <gtest/gtest.h>

namespace ia::postgres {
namespace {

TEST(PostgresSqlstate, RetriesWhatMayWorkLater) {
  for (const char* state : {"", "08006", "40001", "40P01", "53100", "53300", "55P03", "57014",
                            "57P01", "57P02", "57P03", "58030", "25006", "25P03", "IA001"}) {
    EXPECT_EQ(fate_of(state), Fate::kRetry) << state;
    EXPECT_TRUE(errc_of(state) == Errc::kUnavailable || errc_of(state) == Errc::kOverloaded)
        << state;
  }
}

TEST(PostgresSqlstate, GivesUpOnDataThatWillNeverBeTaken) {
  for (const char* state : {"22003", "22008", "22021", "23505", "23514", "54000", "IA002"}) {
    EXPECT_EQ(fate_of(state), Fate::kPoison) << state;
    EXPECT_EQ(errc_of(state), Errc::kInvalid) << state;
  }
}

// A sink throws away what is kInvalid: a missing right or table must never be that.
TEST(PostgresSqlstate, KeepsDataWhenAPersonMustHelp) {
  for (const char* state :
       {"28P01", "28000", "3D000", "3F000", "42501", "42P01", "42883", "42601", "0A000", "F0000"}) {
    EXPECT_EQ(fate_of(state), Fate::kFatal) << state;
    EXPECT_EQ(errc_of(state), Errc::kUnavailable) << state;
  }
}

TEST(PostgresSqlstate, RaisesTheAlarmOverDamage) {
  EXPECT_EQ(errc_of("XX001"), Errc::kCorrupt);
  EXPECT_EQ(errc_of("XX002"), Errc::kCorrupt);
  EXPECT_EQ(fate_of("XX001"), Fate::kFatal);
}

TEST(PostgresSqlstate, TakesWhatItDoesNotKnowForFatal) {
  EXPECT_EQ(fate_of("ZZ999"), Fate::kFatal);
  EXPECT_EQ(fate_of("XX000"), Fate::kFatal);
}

TEST(PostgresSqlstate, SaysWhatToDo) {
  EXPECT_NE(advice_on("42P01").find("influencer-analytics migrate"), std::string_view::npos);
  EXPECT_NE(advice_on("42501").find("--grant-to"), std::string_view::npos);
  EXPECT_NE(advice_on("53100").find("disk"), std::string_view::npos);
}

}  // namespace
}  // namespace ia::postgres
