#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ia {
namespace {

std::string decimal(double value) {
  char bytes[kDecimalBytesMax];
  return {bytes, write_decimal(bytes, value)};
}

TEST(Decimal, HasFourDecimalsFromOneOnAndEightBelow) {
  EXPECT_EQ(decimal(57'166.0 / 1'328), "43.0467");
  EXPECT_EQ(decimal(100), "100.0");
  EXPECT_EQ(decimal(2.5), "2.5");
  EXPECT_EQ(decimal(0), "0.0");
  EXPECT_EQ(decimal(-1.25), "-1.25");
  EXPECT_EQ(decimal(0.00003125), "0.00003125");
  EXPECT_EQ(decimal(0.999999999), "1.0");
  EXPECT_EQ(decimal(1e15), "1e+15");
  EXPECT_EQ(decimal(9'007'199'254'740'991), "9007199254740991");
  EXPECT_EQ(decimal(std::nan("")), "null");
}

TEST(Decimal, IsNeverFartherAwayThanHalfItsLastDigit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::ldexp(1.0 + static_cast<double>(random() % 1'000'000) / 1e6,
                                    static_cast<int>(random() % 60) - 20);
    const auto allowed = value < 1 ? 0.51e-8 : 0.51e-4 + value * 1e-15;
    ASSERT_NEAR(std::stod(decimal(value)), value, allowed);
    ASSERT_LT(decimal(value).size(), kDecimalBytesMax);
  }
}

TEST(JsonWriter, PutsCommasAndNulls) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("a", 1);
  json.member("b", std::nullopt);
  json.key("c");
  json.begin_array();
  json.integer(-7);
  json.boolean(true);
  json.begin_object();
  json.end_object();
  json.end_array();
  json.member("d", "x");
  json.end_object();
  EXPECT_EQ(out, R"({"a":1,"b":null,"c":[-7,true,{}],"d":"x"})");
}

TEST(JsonWriter, EscapesWhatJsonForbidsAndReplacesWhatIsNotUtf8) {
  std::string out;
  JsonWriter json(out);
  json.text("\"\\\n\x01\x7f é€😀 \xff \xc3 \xed\xa0\x80 \xc0\xaf");
  EXPECT_EQ(out,
            "\"\\\"\\\\\\n\\u0001\\u007f é€😀 \xef\xbf\xbd \xef\xbf\xbd "
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace ia
