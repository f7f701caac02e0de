// What one request costs the API's server thread, and what greedy clients cost another one:
//   1. for each kind of request the CPU time that the server's thread is held, median and longest;
//   2. p50 and p99 of one client's "latest value and rank", alone and beside greedy clients that
//      have addresses of their own: four that ask for pages of everybody, then one that pipelines
//      sixty requests at a time.
// Usage: fairness_bench [--influencers=1000000] [--minutes=60] [--requests=20000]
// Ids are scattered below 2^53. Fills a fresh embedded store with the last minutes, and a
// leaderboard with verdicts on everybody, 2 % of them suspicious. The ratios of step 2 are of one
// run, so another load of the machine hits both.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "api/api.h"
#include "command_line.h"
#include "http/late_answer.h"
#include "storage/embedded_store.h"

namespace {

using namespace ia;
using namespace ia::bench;
using std::chrono::minutes;
using Steady = std::chrono::steady_clock;

struct Options {
  std::uint64_t influencers = 1'000'000;
  std::uint64_t minutes = 60;
  std::uint64_t requests = 20'000;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto at = argument.find('=');
    const auto name = argument.substr(0, at);
    auto* to = name == "--influencers" ? &options.influencers
               : name == "--minutes"   ? &options.minutes
               : name == "--requests"  ? &options.requests
                                       : nullptr;
    const auto value = at == argument.npos ? std::string_view{} : argument.substr(at + 1);
    if (to != nullptr && take_number(value, *to)) continue;
    fmt::print(stderr, "fairness_bench: {} is not understood; see the top of the source\n",
               argument);
    std::exit(2);
  }
  return options;
}

std::vector<InfluencerId> scattered_ids(std::uint64_t count) {
  std::mt19937_64 random(1);
  std::vector<InfluencerId> ids;
  while (ids.size() < count) {
    while (ids.size() < count) ids.push_back(InfluencerId{random() >> 11});
    std::ranges::sort(ids);
    const auto repeated = std::ranges::unique(ids);
    ids.erase(repeated.begin(), repeated.end());
  }
  return ids;
}

struct World {
  World(const Options& options_in, const std::filesystem::path& directory)
      : options(options_in),
        ids(scattered_ids(options.influencers)),
        store(value_of(open_sqlite_store({.directory = directory}, log))) {
    Registry registry{.epoch = 1};
    registry.influencers = InfluencerSet::of(ids);
    if (const auto put = store->put_registry(registry); !put) std::exit(1);
    fill();
    judge();
  }

  void fill() {
    std::mt19937_64 random(2);
    std::normal_distribution<double> normal;
    std::vector<std::int64_t> followers(ids.size());
    for (auto& count : followers) {
      count = static_cast<std::int64_t>(std::exp(11 + 2 * normal(random)));
    }
    Leaderboard leaderboard;
    const auto begin = minute_of(clock.wall()) - minutes{options.minutes};
    for (std::uint64_t m = 0; m < options.minutes; ++m) {
      std::vector<PointBatch> batches;
      for (std::size_t first = 0; first < ids.size(); first += 1'000) {
        auto& batch = batches.emplace_back();
        batch.minute = begin + minutes{m};
        batch.retrieved_at = batch.minute + std::chrono::seconds{30};
        for (auto i = first; i < std::min(first + 1'000, ids.size()); ++i) {
          followers[i] += static_cast<std::int64_t>(random() % 8);
          batch.influencers.push_back(ids[i]);
          batch.followers.push_back(followers[i]);
          batch.following.push_back(static_cast<std::int64_t>(100 + i % 900));
        }
        if (m + 1 == options.minutes) leaderboard.apply(batch);
      }
      (void)value_of(store->append(batches));
      if (const auto closed = store->close_minutes({begin + minutes{m}, begin + minutes{m + 1}},
                                                   MissReason::kDown);
          !closed) {
        std::exit(1);
      }
    }
    for (const auto id : ids) {
      leaderboard.set_username(id, fmt::format("influencer-{}", number_of(id)));
    }
    board = leaderboard.publish(clock.wall());
  }

  void judge() {
    std::vector<Verdict> all;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      all.push_back({.influencer = ids[i],
                     .suspicious = i % 50 == 0,
                     .judged = {},
                     .checked_at = clock.wall(),
                     .changed_at = clock.wall()});
    }
    verdicts.apply(all);
  }

  ApiContext context() {
    return {.store = *store,
            .leaderboard = [this] { return board; },
            .not_ready_reasons = [] { return std::vector<std::string>{}; },
            .pipeline = [] { return PipelineSummary{}; },
            .metrics = metrics,
            .log = log,
            .clock = clock,
            .version = "bench",
            .verdicts = &verdicts};
  }

  const Options options;
  const SystemClock clock;
  Log log{LogLevel::kWarning, LogFormat::kText};
  Metrics metrics;
  std::vector<InfluencerId> ids;
  std::unique_ptr<Store> store;
  VerdictBook verdicts;
  std::shared_ptr<const LeaderboardSnapshot> board;
};

double thread_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Kind {
  std::string name;
  std::string target;
};

std::vector<Kind> kinds(const World& world) {
  const auto id = number_of(world.ids[world.ids.size() / 2]);
  const auto one = fmt::format("/api/v1/influencers/{}", id);
  const auto other = number_of(world.ids.front());
  const auto month = std::chrono::floor<std::chrono::seconds>(world.clock.wall() -
                                                              std::chrono::days{31})
                         .time_since_epoch()
                         .count();
  return {
      {"latest value and rank", one},
      {"latest, 100 named by stream", "/api/v1/stream?influencers=" + std::to_string(id)},
      {"series, a day", one + "/series"},
      {"series, a month by the hour", fmt::format("{}/series?start={}&step=1h", one, month)},
      {"the seed's series, a day", fmt::format("/influencer_analytics/{}", id)},
      {"gaps", one + "/gaps"},
      {"growth", one + "/growth"},
      {"signals of one", one + "/signals"},
      {"badge", one + "/badge.svg"},
      {"ranks of an hour", one + "/ranks?step=10m"},
      {"search, one digit", "/api/v1/influencers?prefix=1&limit=100"},
      {"search, a name", "/api/v1/influencers?prefix=influencer-7&limit=100"},
      {"search, nobody", "/api/v1/influencers?prefix=zzz"},
      {"compare, a day of two", fmt::format("/api/v1/compare?influencers={},{}", id, other)},
      {"leaderboard, 100", "/api/v1/leaderboard"},
      {"leaderboard, 250", "/api/v1/leaderboard?limit=250"},
      {"leaderboard, 1000", "/api/v1/leaderboard?limit=1000"},
      {"leaderboard, ascending", "/api/v1/leaderboard?order=asc"},
      {"leaderboard by following", "/api/v1/leaderboard?sort=following"},
      {"leaderboard by ratio", "/api/v1/leaderboard?sort=ratio"},
      {"leaderboard, suspicious", "/api/v1/leaderboard?verdict=suspicious"},
      {"leaderboard, clear", "/api/v1/leaderboard?verdict=clear"},
      {"leaderboard, unknown", "/api/v1/leaderboard?verdict=unknown"},
      {"leaderboard, suspicious by ratio", "/api/v1/leaderboard?verdict=suspicious&sort=ratio"},
      {"movers", "/api/v1/movers"},
      {"summary", "/api/v1/summary"},
      {"minutes, an hour", "/api/v1/minutes"},
      {"verdicts", "/api/v1/verdicts?limit=1000"},
      {"signals of all", "/api/v1/signals?limit=1000"},
      {"alerts", "/api/v1/alerts"},
      {"PromQL, one series", fmt::format("/prometheus/api/v1/query?query=influencer_rank%7B"
                                         "id%3D%22{}%22%7D",
                                         id)},
      {"PromQL, topk of everybody",
       "/prometheus/api/v1/query?query=topk(10,influencer_follower_count)"},
      {"PromQL, values of a label", "/prometheus/api/v1/label/username/values"},
      {"PromQL, labels", "/prometheus/api/v1/labels"},
      {"PromQL, series",
       "/prometheus/api/v1/series?match%5B%5D=influencer_follower_count"},
      {"metrics", "/metrics"},
      {"readyz", "/readyz"},
      {"page", "/"},
      {"openapi.json", "/openapi.json"},
  };
}

// Calls the handler as a server's thread does, one request after the other.
void report_costs(World& world) {
  constexpr int kCalls = 30;
  const auto handler = make_api_handler(world.context());
  fmt::print("{:<34} {:>12} {:>12}   answered\n", "held of the server's thread, CPU ms", "median",
             "longest");
  for (const auto& [name, target] : kinds(world)) {
    std::vector<double> took;
    HttpResponse response;
    for (int i = 0; i < kCalls; ++i) {
      HttpRequest request;
      request.target = target;
      response.clear();
      const auto began = thread_ms();
      handler(request, response);
      took.push_back(thread_ms() - began);
      while (response.late && !response.late->is_answered()) {
        std::this_thread::sleep_for(std::chrono::microseconds{200});
      }
    }
    std::ranges::sort(took);
    fmt::print("{:<34} {:>12.3f} {:>12.3f}   {}\n", name, took[took.size() / 2], took.back(),
               response.late ? "aside" : fmt::format("there, {}", response.status));
  }
}

// A plain blocking client with an address of its own.
class Client {
 public:
  Client(std::uint16_t port, const std::string& from)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &address.sin_addr);
    (void)::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::exit(1);
    }
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& target, int times = 1) {
    std::string all;
    for (int i = 0; i < times; ++i) all += "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (::send(socket_, all.data(), all.size(), MSG_NOSIGNAL) < 0) std::exit(1);
  }
  // The status of the next answer.
  int receive() {
    constexpr std::string_view kLength = "Content-Length: ";
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) more();
    const auto at = buffer_.find(kLength);
    const auto size = std::strtoull(buffer_.c_str() + at + kLength.size(), nullptr, 10);
    const int status = std::atoi(buffer_.c_str() + 9);
    while (buffer_.size() < end + 4 + size) more();
    buffer_.erase(0, end + 4 + size);
    return status;
  }

 private:
  void more() {
    std::array<char, 64 * 1024> bytes;
    const auto count = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      fmt::print(stderr, "fairness_bench: the server closed a connection\n");
      std::exit(1);
    }
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  }

  int socket_;
  std::string buffer_;
};

struct Latency {
  double p50 = 0;
  double p99 = 0;
};

Latency measure(const World& world, std::uint16_t port) {
  Client client(port, "127.0.0.1");
  std::mt19937_64 random(3);
  std::vector<double> took;
  for (std::uint64_t i = 0; i < world.options.requests; ++i) {
    const auto began = Steady::now();
    client.send(fmt::format("/api/v1/influencers/{}",
                            number_of(world.ids[random() % world.ids.size()])));
    if (client.receive() != 200) std::exit(1);
    took.push_back(std::chrono::duration<double, std::milli>(Steady::now() - began).count());
  }
  std::ranges::sort(took);
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

struct Greedy {
  std::vector<std::string> targets;
  int pipelined = 1;
};

// Latency beside the greedy ones, and how many answers they had.
std::pair<Latency, std::uint64_t> measure_beside(const World& world, std::uint16_t port,
                                                 const Greedy& greedy) {
  std::atomic<bool> is_over = false;
  std::atomic<std::uint64_t> answers = 0;
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < greedy.targets.size(); ++i) {
    clients.emplace_back([&, i] {
      Client client(port, fmt::format("127.0.0.{}", 2 + i));
      while (!is_over) {
        client.send(greedy.targets[i], greedy.pipelined);
        for (int n = 0; n < greedy.pipelined; ++n) answers += client.receive() == 200 ? 1U : 0U;
      }
    });
  }
  const auto latency = measure(world, port);
  is_over = true;
  clients.clear();
  return {latency, answers.load()};
}

void report_fairness(World& world) {
  auto server = value_of(start_api({.port = 0}, world.context()));
  const auto port = server->port();
  const std::vector<std::pair<std::string, Greedy>> all = {
      {"four that ask for everybody",
       {{"/api/v1/leaderboard?sort=ratio", "/api/v1/leaderboard?verdict=suspicious",
         "/api/v1/leaderboard?order=asc", "/api/v1/leaderboard?verdict=unknown"},
        1}},
      {"one that pipelines 60 pages by ratio", {{"/api/v1/leaderboard?sort=ratio"}, 60}},
      {"one that pipelines 60 pages by rank", {{"/api/v1/leaderboard?limit=250"}, 60}},
  };
  fmt::print("\nlatest value and rank of one client, wall ms\n");
  for (const auto& [name, greedy] : all) {
    const auto alone = measure(world, port);
    const auto [beside, answers] = measure_beside(world, port, greedy);
    fmt::print("beside {:<38} p50 {:.3f} to {:.3f} ({:.1f} x)  p99 {:.3f} to {:.3f} ({:.1f} x)  "
               "greedy answers {}\n",
               name, alone.p50, beside.p50, beside.p50 / alone.p50, alone.p99, beside.p99,
               beside.p99 / alone.p99, answers);
  }
  server->stop();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("ia_fairness_bench.{}", getpid());
  std::filesystem::create_directories(directory);
  {
    World world(options, directory / "data");
    report_costs(world);
    report_fairness(world);
  }
  std::filesystem::remove_all(directory);
  return 0;
}
