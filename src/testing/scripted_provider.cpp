#include "testing/scripted_provider.h"

#include <algorithm>
#include <utility>

namespace ia {

using std::chrono::milliseconds;

ScriptedProvider::ScriptedProvider(ManualClock& clock, Script script)
    : clock_(clock), script_(std::move(script)) {
  set_duration(milliseconds{0});
}

void ScriptedProvider::start(FetchOrder order) {
  const auto duration = std::max(duration_(order), milliseconds{0});
  running_.push_back({.order = std::move(order),
                      .started_wall = clock_.wall(),
                      .started = clock_.mono(),
                      .duration = duration});
}

std::vector<FinishedFetch> ScriptedProvider::take_finished(milliseconds wait) {
  auto due = take_due();
  if (due.empty() && wait.count() > 0) {
    auto until = clock_.mono() + wait;
    for (const auto& running : running_) until = std::min(until, running.finished_at());
    clock_.advance(std::chrono::ceil<milliseconds>(until - clock_.mono()));
    due = take_due();
  }
  std::vector<FinishedFetch> finished;
  for (const auto& running : due) finished.push_back(finish(running));
  return finished;
}

std::vector<ScriptedProvider::Running> ScriptedProvider::take_due() {
  const auto now = clock_.mono();
  std::vector<Running> taken;
  std::vector<Running> left;
  for (auto& running : running_) {
    (running.finished_at() > now ? left : taken).push_back(std::move(running));
  }
  running_ = std::move(left);
  std::ranges::sort(taken, {}, [](const Running& running) {
    return std::pair(running.finished_at(), running.order.ticket);
  });
  return taken;
}

FinishedFetch ScriptedProvider::finish(const Running& running) {
  FinishedFetch fetch{.ticket = running.order.ticket, .values = {}, .misses = {}, .usernames = {}};
  const auto& influencers = running.order.influencers;
  for (std::size_t i = 0; i < influencers.size(); ++i) {
    const auto retrieved_at = running.started_wall + running.answered_after(i);
    const auto given = answer(running, i);
    if (given) {
      fetch.values.push_back({influencers[i], retrieved_at, *given});
      report_username(influencers[i], fetch.usernames);
    } else {
      fetch.misses.push_back({influencers[i], given.error()});
      if (given.error() == MissReason::kNotFound && denies_in_words_) {
        fetch.denied.push_back(influencers[i]);
      }
      given_misses_.push_back({minute_of(running.started_wall), fetch.misses.back()});
    }
  }
  given_values_.insert(given_values_.end(), fetch.values.begin(), fetch.values.end());
  return fetch;
}

ScriptedProvider::Answer ScriptedProvider::answer(const Running& running, std::size_t index) {
  const auto after = running.answered_after(index);
  const auto asked_after = index == 0 ? milliseconds{0} : running.answered_after(index - 1);
  const bool too_late = running.started_wall + asked_after >= running.order.start_before;
  if (too_late || after > running.cut_after) return std::unexpected(MissReason::kOverrun);
  ++requests_total_;
  const auto retrieved_at = running.started_wall + after;
  if (retrieved_at > running.order.finish_before) return std::unexpected(MissReason::kTimeout);
  return script_(running.order.influencers[index], retrieved_at);
}

void ScriptedProvider::report_username(InfluencerId influencer, std::vector<Username>& names) {
  if (!username_) return;
  auto name = username_(influencer);
  auto& reported = reported_names_[influencer];
  if (name == reported) return;
  reported = name;
  names.push_back({influencer, std::move(name)});
}

void ScriptedProvider::cancel(milliseconds grace) {
  for (auto& running : running_) {
    const auto elapsed = std::chrono::floor<milliseconds>(clock_.mono() - running.started);
    running.cut_after = std::min(running.cut_after, elapsed + grace);
  }
}

ProviderHealth ScriptedProvider::health() const {
  ProviderHealth health;
  health.requests_total = requests_total_;
  health.holdup = holdup_;
  health.breaker_open = is_outage_;
  for (const auto& running : running_) {
    const auto elapsed = clock_.mono() - running.started;
    for (std::size_t i = 0; i < running.order.influencers.size(); ++i) {
      if (running.answered_after(i) > elapsed) ++health.waiting;
    }
  }
  return health;
}

Status ScriptedProvider::probe() { return probe_; }

void ScriptedProvider::set_holdup(std::optional<MissReason> holdup, bool is_outage) {
  holdup_ = holdup;
  is_outage_ = holdup && is_outage;
}

void ScriptedProvider::set_duration(std::function<milliseconds(const FetchOrder&)> duration) {
  duration_ = std::move(duration);
}

void ScriptedProvider::set_duration(milliseconds duration) {
  duration_ = [duration](const FetchOrder&) { return duration; };
}

void ScriptedProvider::set_usernames(std::function<std::string(InfluencerId)> username) {
  username_ = std::move(username);
}

void ScriptedProvider::forget_given() {
  given_values_.clear();
  given_misses_.clear();
}

milliseconds ScriptedProvider::Running::answered_after(std::size_t index) const {
  const auto answers = static_cast<std::int64_t>(index) + 1;
  return duration * answers / static_cast<std::int64_t>(order.influencers.size());
}

MonoTime ScriptedProvider::Running::finished_at() const {
  const auto deadline = std::max(order.finish_before - started_wall, milliseconds{0});
  return started + std::min({duration, cut_after, deadline});
}

}  // namespace ia
