#include "api/page/assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/page/embedded_files.h"
#include "api/test_world.h"
#include "http/test_gunzip.h"

namespace ia {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Page : public ::testing::Test {
 protected:
  void SetUp() override {
    world.serve();
    ASSERT_EQ(world.error, "");
  }

  TestWorld world;
};

TEST_F(Page, NamesItsStyleAndItsScriptAfterTheirContent) {
  EXPECT_THAT(asset_paths(world.get("/").body),
              ElementsAre(MatchesRegex("/assets/style-[0-9a-f]{16}\\.css"),
                          MatchesRegex("/assets/app-[0-9a-f]{16}\\.js")));
}

TEST_F(Page, IsAskedForAgainEachTime) {
  const auto page = world.get("/");
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("cache-control"), "no-cache");
  EXPECT_EQ(world.get("/", "If-None-Match: " + page.header("etag") + "\r\n").status, 304);
}

TEST_F(Page, KeepsWhatItLoadsForEver) {
  for (const auto& path : asset_paths(world.get("/").body)) {
    const auto part = world.get(path);
    EXPECT_EQ(part.status, 200);
    EXPECT_THAT(part.header("content-type"), HasSubstr(path.ends_with(".js") ? "script" : "css"));
    EXPECT_EQ(part.header("cache-control"), "public, max-age=31536000, immutable");
  }
}

TEST_F(Page, LoadsNothingFromElsewhereAndNoInlineScript) {
  const auto page = world.get("/");
  EXPECT_THAT(page.header("content-security-policy"),
              AllOf(HasSubstr("script-src 'self'"), Not(HasSubstr("unsafe"))));
  EXPECT_THAT(page.body, AllOf(Not(HasSubstr("://")), Not(HasSubstr("<script>"))));
}

TEST_F(Page, OfAnotherVersionFindsItsPartsGone) {
  for (const auto* path : {"/assets/app-0123456789abcdef.js", "/assets/openapi.json", "/assets/%2f",
                           "/assets/../index.html"}) {
    const auto reply = world.get(path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.header("cache-control"), "no-store") << path;
  }
}

TEST_F(Page, TravelsCompressedToThoseWhoAcceptIt) {
  const auto path = asset_paths(world.get("/").body).back();
  const auto plain = world.get(path);
  const auto compressed = world.get(path, "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(plain.header("content-encoding"), "");
  EXPECT_EQ(compressed.header("content-encoding"), "gzip");
  EXPECT_EQ(gunzip(compressed.body), plain.body);
  EXPECT_NE(compressed.header("etag"), plain.header("etag"));

  const auto known =
      "Accept-Encoding: gzip\r\nIf-None-Match: " + compressed.header("etag") + "\r\n";
  const auto again = world.get(path, known);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.header("etag"), compressed.header("etag"));
  EXPECT_EQ(again.header("content-encoding"), "");
}

TEST(EmbeddedFiles, AreTheSameCompressed) {
  ASSERT_FALSE(embedded_files().empty());
  for (const auto& file : embedded_files()) {
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    EXPECT_EQ(gunzip(file.gzipped), file.bytes) << file.path;
  }
}

TEST(EmbeddedFiles, OfThePageAreAtMost80KilobytesCompressed) {
  std::size_t bytes = 0;
  for (const auto& file : embedded_files()) {
    if (file.path != "/openapi.json") bytes += file.gzipped.size();
  }
  EXPECT_LE(bytes, 80U * 1024);
}

}  // namespace
}  // namespace ia
