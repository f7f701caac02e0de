// One of the hot paths over a fixed input, for counts_test.py to count its instructions.
//
//   hot_paths reply|batch|chunk|series DIRECTORY
//
// What is counted runs inside `hot_path`, after the like was run once. Prints how many operations
// that is, and how often memory was allocated meanwhile. DIRECTORY is empty and for the store.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/mockstagram/provider.h"
#include "api/series/encoding.h"
#include "net/settlement.h"
#include "storage/codec/chunk_codec.h"
#include "storage/embedded_store.h"

namespace {

std::uint64_t allocations = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace ia;
using std::chrono::minutes;
namespace fs = std::filesystem;

const Minute kBegin{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

// The same numbers everywhere, which those of the standard library's distributions are not.
class Numbers {
 public:
  std::uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return state_ >> 11;
  }
  // As the mock network moves counts: around `middle`, most within `spread` of it.
  std::int64_t around(std::int64_t middle, std::int64_t spread) {
    const auto width = static_cast<std::uint64_t>(spread);
    std::int64_t sum = middle - 2 * spread;
    for (int i = 0; i < 4; ++i) sum += static_cast<std::int64_t>(next() % width);
    return sum;
  }

 private:
  std::uint64_t state_ = 1;
};

class FixedClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime{kBegin}; }
  MonoTime mono() const override { return MonoTime{std::chrono::hours{1}}; }
};

// Called twice: the second time is counted. Returns how many operations it did.
using Work = std::function<std::size_t()>;

std::vector<InfluencerId> scattered_ids(std::size_t count) {
  std::vector<InfluencerId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(InfluencerId{7 + i * 9'007'199'253});
  return ids;
}

std::string reply_about(InfluencerId influencer, Numbers& numbers) {
  const auto id = std::to_string(number_of(influencer));
  const auto body = "{\"pk\":" + id + ",\"username\":\"influencer-" + id + "\",\"followerCount\":" +
                    std::to_string(numbers.around(100'000, 10'000)) + ",\"followingCount\":" +
                    std::to_string(numbers.around(1'000, 100)) + "}";
  return "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\nContent-Type: application/json; "
         "charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nETag: W/\"5b-vcz8bBcAkHLQRY2JFYwUqgpfpSQ\"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT"
         "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n" + body;
}

// Bytes of replies to points of a finished order.
class Replies {
 public:
  Replies() {
    for (const auto id : ids_) replies_.push_back(reply_about(id, numbers_));
    watch_.look(clock_.wall(), clock_.mono());
  }
  std::size_t operator()() {
    book_.begin({.influencers = ids_,
                 .start_before = clock_.wall() + minutes{1},
                 .finish_before = clock_.wall() + minutes{1}},
                clock_.wall(), clock_.mono());
    for (const auto& reply : replies_) settle(reply);
    return book_.take({}).size() * replies_.size();
  }

 private:
  void settle(std::string_view bytes) {
    batch_.items.resize(1);
    batch_.answered = 0;
    book_.pop(clock_.mono(), batch_.items.front());
    governor_.on_begin(1);
    std::size_t used = 0;
    if (parser_.read(bytes, used) != ReplyParser::Result::kReply) std::abort();
    if (!settlement_.settle(batch_, parser_.reply())) std::abort();
  }

  Numbers numbers_;
  std::vector<InfluencerId> ids_ = scattered_ids(1000);
  std::vector<std::string> replies_;
  FixedClock clock_;
  Log log_{LogLevel::kError, LogFormat::kText};
  FreezeWatch watch_{std::chrono::seconds{1}};
  Governor governor_{{}, log_};
  OrderBook book_;
  std::unique_ptr<HttpDialect> dialect_ = make_mockstagram_dialect();
  Settlement settlement_{{.authority = "localhost",
                          .pause = std::chrono::seconds{1},
                          .dialect = *dialect_,
                          .governor = governor_,
                          .book = book_,
                          .watch = watch_,
                          .clock = clock_,
                          .log = log_}};
  Batch batch_;
  ReplyParser parser_;
};

// A minute of everyone into the store.
class Batches {
  static constexpr std::size_t kBatchSize = 1000;

 public:
  explicit Batches(const fs::path& directory) {
    auto store = open_sqlite_store({.directory = directory}, log_);
    if (!store) std::abort();
    store_ = std::move(*store);
    for (auto& batches : rounds_) batches = minute_of_all();
  }
  std::size_t operator()() {
    const auto appended = store_->append(rounds_[next_round_++]);
    return appended ? appended->stored : 0;
  }

 private:
  std::vector<PointBatch> minute_of_all() {
    minute_ += minutes{1};
    std::vector<PointBatch> batches;
    const auto ids = scattered_ids(kBatchSize * 10);
    for (std::span<const InfluencerId> rest = ids; !rest.empty();) {
      batches.push_back(batch_of(rest.first(kBatchSize)));
      rest = rest.subspan(kBatchSize);
    }
    return batches;
  }
  PointBatch batch_of(std::span<const InfluencerId> ids) {
    PointBatch batch{.minute = minute_,
                     .retrieved_at = WallTime{minute_} + std::chrono::seconds{30},
                     .influencers = {ids.begin(), ids.end()},
                     .followers = {},
                     .following = {},
                     .misses = {},
                     .usernames = {}};
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.followers.push_back(numbers_.around(100'000, 10'000));
      batch.following.push_back(numbers_.around(1'000, 100));
    }
    return batch;
  }

  Numbers numbers_;
  Log log_{LogLevel::kError, LogFormat::kText};
  Minute minute_ = kBegin;
  std::array<std::vector<PointBatch>, 2> rounds_;
  std::size_t next_round_ = 0;
  std::unique_ptr<Store> store_;
};

Series day_of_one() {
  Numbers numbers;
  Series series;
  for (int i = 0; i < 1440; ++i) {
    series.minutes.push_back(kBegin + minutes{i});
    series.followers.push_back(numbers.around(100'000, 10'000));
    series.following.push_back(numbers.around(1'000, 100));
  }
  return series;
}

std::string encoded_part(const Series& series, std::size_t size) {
  std::vector<std::uint16_t> offsets;
  for (std::size_t i = 0; i < size; ++i) offsets.push_back(static_cast<std::uint16_t>(i));
  std::string bytes;
  encode_chunk({.offsets = offsets,
                .followers = {series.followers.data(), size},
                .following = {series.following.data(), size},
                .misses = {}},
               static_cast<std::uint32_t>(size), bytes);
  return bytes;
}

// Chunks of an hour and of a day.
class Chunks {
 public:
  std::size_t operator()() {
    std::size_t points = 0;
    for (int i = 0; i < 100; ++i) points += decode(hour_, 60);
    for (int i = 0; i < 10; ++i) points += decode(day_, 1440);
    return points;
  }

 private:
  std::size_t decode(std::string_view bytes, std::uint32_t span) {
    if (!decode_chunk(bytes, span, chunk_)) std::abort();
    return chunk_.offsets.size();
  }

  std::string hour_ = encoded_part(day_of_one(), 60), day_ = encoded_part(day_of_one(), 1440);
  Chunk chunk_;
};

// A day of one influencer as the API writes it.
class SeriesTexts {
 public:
  std::size_t operator()() {
    constexpr int kTimes = 10;
    for (int i = 0; i < kTimes; ++i) {
      encode_analytics(series_, out_);
      encode_rows({.influencer = InfluencerId{7}, .cut = {.range = range_}}, buckets_, out_);
    }
    return 2 * kTimes * series_.size();
  }

 private:
  Series series_ = day_of_one();
  MinuteRange range_{kBegin, kBegin + minutes{1440}};
  Buckets buckets_ = aggregate(series_, minutes{1}, Aggregate::kMax);
  std::string out_;
};

Work work_named(std::string_view name, const fs::path& directory) {
  if (name == "reply") return [replies = std::make_shared<Replies>()] { return (*replies)(); };
  if (name == "batch") {
    return [batches = std::make_shared<Batches>(directory)] { return (*batches)(); };
  }
  if (name == "chunk") return Chunks();
  if (name == "series") return SeriesTexts();
  return nullptr;
}

}  // namespace

extern "C" [[gnu::noinline]] std::size_t hot_path(const std::function<std::size_t()>& work) {
  return work();
}

int main(int count, char** arguments) {
  const auto work = count == 3 ? work_named(arguments[1], arguments[2]) : nullptr;
  if (!work) {
    std::fputs("usage: hot_paths reply|batch|chunk|series DIRECTORY\n", stderr);
    return 2;
  }
  work();
  const auto before = allocations;
  const auto operations = hot_path(work);
  std::printf("%zu %llu\n", operations, static_cast<unsigned long long>(allocations - before));
}
