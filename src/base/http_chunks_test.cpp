#include "base/http_chunks.h"

#include <gtest/gtest.h>

#include <string>

namespace ia::http1 {
namespace {

using State = ChunkReader::State;

struct Outcome {
  State state = State::kMore;
  std::string body;
  std::size_t used = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, std::size_t piece, std::uint64_t body_max = 100) {
  ChunkReader reader(body_max);
  Outcome outcome;
  while (outcome.used < bytes.size()) {
    std::size_t used = 0;
    outcome.state = reader.read(bytes.substr(outcome.used, piece), used);
    outcome.used += used;
    if (outcome.state == State::kData) outcome.body += reader.data();
    if (outcome.state != State::kData && outcome.state != State::kMore) break;
  }
  return outcome;
}

TEST(ChunkReader, FindsTheBodyHoweverTheBytesAreCut) {
  const std::string bytes =
      "5\r\nhello\r\n00A;name=\"v;\";x\r\n 0123456\r\n\r\n0;last\r\nTrailer: a\r\nOther:\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(read(bytes + "GET /", piece),
              (Outcome{State::kDone, "hello 0123456\r\n", bytes.size()}))
        << piece;
  }
}

TEST(ChunkReader, ReadsAnEmptyBodyHoweverItIsCut) {
  const std::string bytes = "0\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(read(bytes, piece), (Outcome{State::kDone, "", 5})) << piece;
  }
}

TEST(ChunkReader, RefusesWhatTwoReadersMayUnderstandDifferently) {
  for (const std::string_view bytes : {"x\r\n",
                                       "-1\r\n",
                                       "+1\r\n",
                                       " 1\r\n",
                                       "\r\n",
                                       ";a\r\n",
                                       "0x5\r\nhello\r\n0\r\n\r\n",
                                       "5\nhello\r\n",
                                       "5\rhello\r\n",
                                       "5\r\nhelloX\r\n",
                                       "5\r\nhello\n0\r\n\r\n",
                                       "5 \r\nhello\r\n",
                                       "5;\x01\r\n",
                                       "5;a\n\r\n",
                                       "0\r\nno colon\r\n\r\n",
                                       "0\r\n: v\r\n\r\n",
                                       "0\r\na: v\n\r\n",
                                       "0\r\n folded: v\r\n\r\n",
                                       "0\r\na: \x01\r\n\r\n",
                                       "0\r\n\rX",
                                       "1111111111111111111\r\n"}) {
    EXPECT_EQ(read(bytes, bytes.size()).state, State::kMalformed) << bytes;
    EXPECT_EQ(read(bytes, 1).state, State::kMalformed) << bytes;
  }
}

TEST(ChunkReader, LimitsTheBodyBeforeItComes) {
  EXPECT_EQ(read("64\r\n", 9).state, State::kMore);
  EXPECT_EQ(read("65\r\n", 9).state, State::kTooLarge);
  EXPECT_EQ(read("3\r\nabc\r\n2\r\n", 99, 4).state, State::kTooLarge);
  EXPECT_EQ(read("fffffffffffffff\r\n", 99).state, State::kTooLarge);
}

// Per chunk: what goes on for ever is no reason to hold a connection.
TEST(ChunkReader, LimitsWhatIsAroundTheData) {
  const std::string extension(ChunkReader::kOverheadMax, 'x');
  EXPECT_EQ(read("1;" + extension, 1'000).state, State::kMalformed);
  EXPECT_EQ(read("0\r\nA: " + extension, 7).state, State::kMalformed);
  EXPECT_EQ(read(std::string(ChunkReader::kOverheadMax + 1, '0'), 99).state, State::kMalformed);
  std::string many;
  for (int i = 0; i < 50; ++i) many += "1;" + extension.substr(0, 1'000) + "\r\na\r\n";
  EXPECT_EQ(read(many + "0\r\n\r\n", 1'000).body, std::string(50, 'a'));
}

}  // namespace
}  // namespace ia::http1
