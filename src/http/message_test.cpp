#include "http/message.h"

#include <gtest/gtest.h>

namespace ia {
namespace {

TEST(AcceptEncoding, AllowsGzipUnlessItsWeightIsZero) {
  for (const auto* text : {"gzip", "deflate, GZIP;q=0.5", "*", "br, gzip ; q=1.0", "*;q=0, gzip"}) {
    EXPECT_TRUE(allows_gzip(text)) << text;
  }
  for (const auto* text :
       {"", "br", "gzip;q=0", "gzip; q=0.000, *", "identity", "xgzip", "*;q=0"}) {
    EXPECT_FALSE(allows_gzip(text)) << text;
  }
}

TEST(IfNoneMatch, NamesAnETagInAnyOfItsForms) {
  for (const auto* text : {R"("x")", R"(W/"x")", R"("a", "x")", "*", R"("x-gzip")"}) {
    EXPECT_TRUE(names_etag(text, R"("x")")) << text;
  }
  for (const auto* text : {"", R"("y")", R"("xx")", "x", R"("x)", R"("x-br")"}) {
    EXPECT_FALSE(names_etag(text, R"("x")")) << text;
  }
}

}  // namespace
}  // namespace ia
