// What the embedded queue costs. Run it on the disk that counts: --dir=/path first, default /tmp.
// CPU is the process's; the rest of the time is waiting for the disk.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/queue.h"

namespace {

using namespace ia;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kBatch = 10;
constexpr std::size_t kBodyBytes = 8'192;

std::filesystem::path directory = std::filesystem::temp_directory_path();

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

class QueueOnDisk {
 public:
  QueueOnDisk() : path_(directory / ("queue_bench." + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
    queue_ = must(SqliteQueue::open({.directory = path_, .name = "bench"}, clock_, log_));
  }
  ~QueueOnDisk() {
    queue_.reset();
    std::filesystem::remove_all(path_);
  }
  Queue& operator*() { return *queue_; }

  void send(std::size_t count, std::size_t bytes) {
    const std::vector<OutgoingMessage> messages(count, {std::string(bytes, 'x'), {}});
    must(queue_->send(messages));
  }
  std::vector<Receipt> receive(std::size_t count) {
    std::vector<Receipt> receipts;
    auto deliveries = must(queue_->receive(count, seconds{600}, milliseconds{0}));
    for (auto& delivery : deliveries) receipts.push_back(std::move(delivery.receipt));
    return receipts;
  }

 private:
  std::filesystem::path path_;
  SystemClock clock_;
  Log log_{LogLevel::kWarning, LogFormat::kText};
  std::unique_ptr<SqliteQueue> queue_;
};

void count_messages(benchmark::State& state, std::size_t per_iteration) {
  state.SetItemsProcessed(static_cast<std::int64_t>(per_iteration) * state.iterations());
}

// The points queue: each batch of points once through.
void send_receive_ack(benchmark::State& state) {
  QueueOnDisk queue;
  const std::vector<OutgoingMessage> messages(kBatch, {std::string(kBodyBytes, 'x'), {}});
  for (auto _ : state) {
    must((*queue).send(messages));
    must((*queue).ack(queue.receive(kBatch)));
  }
  count_messages(state, kBatch);
}
BENCHMARK(send_receive_ack)->MeasureProcessCPUTime()->UseRealTime();

// As above, behind a backlog of 20,000 messages.
void send_receive_ack_with_backlog(benchmark::State& state) {
  QueueOnDisk queue;
  for (int i = 0; i < 20; ++i) queue.send(1'000, kBodyBytes);
  const std::vector<OutgoingMessage> messages(kBatch, {std::string(kBodyBytes, 'x'), {}});
  for (auto _ : state) {
    must((*queue).send(messages));
    must((*queue).ack(queue.receive(kBatch)));
  }
  count_messages(state, kBatch);
}
BENCHMARK(send_receive_ack_with_backlog)->MeasureProcessCPUTime()->UseRealTime();

// The id queue: a shard is received and given back until its next due time; 1,000 others wait.
void receive_and_give_back(benchmark::State& state) {
  QueueOnDisk queue;
  queue.send(1'000, 200);
  for (auto _ : state) {
    std::vector<VisibilityChange> changes;
    for (auto& receipt : queue.receive(1)) changes.push_back({std::move(receipt), seconds{0}});
    must((*queue).change_visibility(changes));
  }
  count_messages(state, 1);
}
BENCHMARK(receive_and_give_back)->MeasureProcessCPUTime()->UseRealTime();

// What a poll costs; 1,000 messages wait for their time.
void receive_nothing(benchmark::State& state) {
  QueueOnDisk queue;
  queue.send(1'000, 200);
  queue.receive(1'000);
  for (auto _ : state) queue.receive(10);
}
BENCHMARK(receive_nothing);

void depth(benchmark::State& state) {
  QueueOnDisk queue;
  queue.send(1'000, 200);
  for (auto _ : state) benchmark::DoNotOptimize(must((*queue).depth()).visible);
}
BENCHMARK(depth);

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kDirectory = "--dir=";
  if (argc > 1 && std::string_view(argv[1]).starts_with(kDirectory)) {
    directory = argv[1] + kDirectory.size();
    argv[1] = argv[0];
    ++argv;
    --argc;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
