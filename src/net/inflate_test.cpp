#include "net/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace ia {
namespace {

constexpr int kGzip = 15 + 16, kZlib = 15, kRaw = -15;
constexpr std::size_t kMost = 64 * 1024;

std::string packed(std::string_view text, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string mixed(std::size_t size) {
  std::string text;
  for (std::uint32_t x = 1; text.size() < size; x = x * 1'664'525 + 1'013'904'223) {
    text += static_cast<char>(x >> 24);
  }
  return text;
}

TEST(Decode, UndoesGzipAndDeflate) {
  for (const std::string& text : {std::string(), std::string("{\"pk\":1}"), mixed(8 * 1024),
                                  mixed(8 * 1024 + 1), mixed(60'000), std::string(kMost, 'a')}) {
    std::string out = "old";
    EXPECT_TRUE(decode(Coding::kGzip, packed(text, kGzip), kMost, out)) << text.size();
    EXPECT_TRUE(out == text);
    EXPECT_TRUE(decode(Coding::kDeflate, packed(text, kZlib), kMost, out)) << text.size();
    EXPECT_TRUE(out == text);
    EXPECT_TRUE(decode(Coding::kDeflate, packed(text, kRaw), kMost, out)) << text.size();
    EXPECT_TRUE(out == text);
  }
}

TEST(Decode, ReadsAllMembersOfAGzipFile) {
  std::string out;
  EXPECT_TRUE(decode(Coding::kGzip, packed("{\"a\":", kGzip) + packed("1}", kGzip), kMost, out));
  EXPECT_EQ(out, "{\"a\":1}");
}

TEST(Decode, RefusesABombWithoutInflatingIt) {
  const auto bomb = packed(std::string(50'000'000, 'a'), kGzip);
  ASSERT_LT(bomb.size(), kMost);
  std::string out;
  EXPECT_FALSE(decode(Coding::kGzip, bomb, kMost, out));
  EXPECT_LT(out.size(), 2 * kMost);
  const auto member = packed(std::string(kMost, 'a'), kGzip);
  EXPECT_FALSE(decode(Coding::kGzip, member + member, kMost, out));
  EXPECT_FALSE(decode(Coding::kGzip, packed(std::string(kMost + 1, 'a'), kGzip), kMost, out));
}

TEST(Decode, RefusesWhatIsDamagedCutOrFollowedByMore) {
  const auto whole = packed("{\"pk\":1,\"followerCount\":2}", kGzip);
  std::string out;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode(Coding::kGzip, whole.substr(0, size), kMost, out)) << size;
  }
  EXPECT_FALSE(decode(Coding::kGzip, whole + "x", kMost, out));
  EXPECT_FALSE(decode(Coding::kGzip, "{\"pk\":1}", kMost, out));
  EXPECT_FALSE(decode(Coding::kDeflate, "{\"pk\":1}", kMost, out));
  EXPECT_FALSE(decode(Coding::kDeflate, packed("a", kZlib) + "x", kMost, out));
  auto damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  EXPECT_FALSE(decode(Coding::kGzip, damaged, kMost, out)) << "its checksum is wrong";
}

}  // namespace
}  // namespace ia
