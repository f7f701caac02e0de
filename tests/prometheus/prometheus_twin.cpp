// Serves a world whose series Prometheus can be given, too: compare_test.py.
//
// usage: prometheus_twin OPENMETRICS
//
// Writes the series to the file, prints the port, and serves until its input ends. The series are
// twelve influencers' three hours from 2026-01-01 00:00 UTC, with ties, gaps, zeros, an outage of
// all and influencers that come and go.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <map>

#include "api/test_world.h"

namespace ia {
namespace {

using std::chrono::minutes;

constexpr int kMinutes = 180;
constexpr std::uint64_t kFirst = 1000;
constexpr std::uint64_t kCount = 12;

bool has_value(std::uint64_t i, int minute) {
  if (minute >= 70 && minute < 84) return false;    // an outage
  if (i == 3) return minute < 100;                  // goes
  if (i == 4) return minute >= 60;                  // comes
  if (i == 5) return minute % 7 != 0;               // gaps of one minute
  if (i == 6) return minute % 20 < 12;              // gaps longer than the look-back
  return i != 7 || (minute >= 90 && minute < 120);  // an episode
}

TestWorld::Value value_of(std::uint64_t i, int minute) {
  const auto m = static_cast<std::int64_t>(minute);
  const auto n = static_cast<std::int64_t>(i);
  auto followers = 50'000 + 1'000 * n + (m * 37 * (n + 1)) % 997 - m * (n % 3);
  if (i == 1 || i == 2) followers = 70'000 + m / 10;  // ties
  if (i == 8) followers = 9'000'000'000'000'000 + m;  // near 2^53
  if (i == 9) followers = m % 50 == 0 ? 0 : 5;
  const auto following = i == 10 ? m % 3 : 40 + n;  // zeros
  return {kFirst + i, followers, following};
}

class Exposition {
 public:
  void add(const std::string& metric, const TestWorld::Value& value, Minute minute, double number) {
    auto labels = fmt::format("id=\"{}\"", value.id);
    if (value.id % 2 == 0) labels += fmt::format(",username=\"name-{}\"", value.id);
    add(metric, fmt::format("{}{{{}}}", metric, labels), minute, number);
  }
  void add(const std::string& metric, const std::string& series, Minute minute, double number) {
    lines_[metric][series] += fmt::format(
        "{} {} {}\n", series, number,
        std::chrono::duration_cast<std::chrono::seconds>(minute.time_since_epoch()).count());
  }
  void write(const std::string& file) const {
    std::ofstream out(file);
    for (const auto& [metric, series] : lines_) {
      out << "# TYPE " << metric << " gauge\n";
      for (const auto& [name, lines] : series) out << lines;
    }
    out << "# EOF\n";
  }

 private:
  std::map<std::string, std::map<std::string, std::string>> lines_;
};

void add_minute(TestWorld& world, Exposition& exposition, Minute first, int index) {
  const auto minute = first + minutes{index};
  std::vector<TestWorld::Value> values;
  std::vector<Username> names;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    if (!has_value(i, index)) continue;
    const auto& value = values.emplace_back(value_of(i, index));
    if (value.id % 2 == 0) {
      names.push_back({InfluencerId{value.id}, fmt::format("name-{}", value.id)});
    }
    const auto followers = static_cast<double>(value.followers);
    const auto following = static_cast<double>(value.following);
    exposition.add("influencer_follower_count", value, minute, followers);
    exposition.add("influencer_following_count", value, minute, following);
    if (value.following != 0) {
      exposition.add("influencer_follower_ratio", value, minute, followers / following);
    }
  }
  if (!values.empty()) world.add(minute, values, names);
}

// Of the minutes' aggregates, as they were stored.
void add_aggregates(const TestWorld& world, Exposition& exposition, Minute first) {
  const auto rows = world.store.read_minutes({first, first + minutes{kMinutes}});
  for (const auto& row : *rows) {
    const auto add = [&](const std::string& metric, double number) {
      exposition.add(metric, metric, row.minute, number);
    };
    const auto stored = static_cast<double>(row.stored);
    add("influencers_due", static_cast<double>(row.due));
    add("influencers_stored", stored);
    add("influencers_coverage_ratio", row.coverage());
    for (std::size_t reason = 0; reason < kMissReasonCount; ++reason) {
      exposition.add("influencers_missed",
                     fmt::format("influencers_missed{{reason=\"{}\"}}",
                                 name_of(static_cast<MissReason>(reason))),
                     row.minute, static_cast<double>(row.missed[reason]));
    }
    if (row.stored == 0) continue;
    const auto followers = static_cast<double>(row.followers_sum);
    add("influencers_follower_count_total", followers);
    add("influencers_following_count_total", static_cast<double>(row.following_sum));
    add("influencers_follower_count_average", followers / stored);
  }
}

int run(const std::string& file) {
  TestWorld world;
  const auto first = world.now_minute();
  world.watch({{InfluencerId{kFirst}, InfluencerId{kFirst + kCount - 1}}});
  Exposition exposition;
  for (int i = 0; i < kMinutes; ++i) {
    world.clock.advance(minutes{1});
    add_minute(world, exposition, first, i);
  }
  if (!world.store.close_minutes({first, first + minutes{kMinutes}}, MissReason::kDown)) return 1;
  add_aggregates(world, exposition, first);
  exposition.write(file);
  world.serve();
  if (!world.error.empty()) return 1;
  std::cout << world.port() << std::endl;
  while (std::cin.get() != std::istream::traits_type::eof()) {
  }
  return 0;
}

}  // namespace
}  // namespace ia

int main(int argc, char** argv) { return argc == 2 ? ia::run(argv[1]) : 2; }
