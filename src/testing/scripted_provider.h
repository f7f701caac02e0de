#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/provider.h"
#include "testing/manual_clock.h"

namespace ia {

// A social network that answers by a script, under a ManualClock.
//
// An order's influencers are asked for one after the other, evenly over the order's duration,
// in clock order: the last answer comes `duration` after the start. Who would be asked at or
// after `start_before` is missed (overrun); a reply that would come after `finish_before` is
// missed (timeout). take_finished gives the orders whose time has come; when there is none it
// moves the clock to the next one, or by the whole `wait`: nothing sleeps, and a wait of 0 never
// moves the clock. One thread.
class ScriptedProvider final : public Provider {
 public:
  using Answer = std::expected<Counts, MissReason>;
  // Called once for each influencer of an order, at the moment that its answer is taken.
  using Script = std::function<Answer(InfluencerId influencer, WallTime retrieved_at)>;

  ScriptedProvider(ManualClock& clock, Script script);

  void start(FetchOrder order) override;
  std::vector<FinishedFetch> take_finished(std::chrono::milliseconds wait) override;
  void set_rate(double) override {}
  void cancel(std::chrono::milliseconds grace) override;
  ProviderHealth health() const override;
  Status probe() override;

  // From the next order on. 0, the default: answers are there at once.
  void set_duration(std::function<std::chrono::milliseconds(const FetchOrder&)> duration);
  void set_duration(std::chrono::milliseconds duration);
  // The name of each influencer; reported when it differs from the last one reported.
  void set_usernames(std::function<std::string(InfluencerId)> username);
  // Whether a scripted not_found comes in the network's own words, as it does by default, or as a
  // bare 404.
  void set_denies_in_words(bool in_words) { denies_in_words_ = in_words; }
  // What health() tells of what holds requests back.
  void set_holdup(std::optional<MissReason> holdup, bool is_outage = true);
  void set_probe(Status outcome) { probe_ = std::move(outcome); }

  struct GivenMiss {
    Minute minute;
    Miss miss;
  };
  // The ground truth: all that take_finished gave, in that order.
  const std::vector<FetchedValue>& given_values() const { return given_values_; }
  const std::vector<GivenMiss>& given_misses() const { return given_misses_; }
  void forget_given();

 private:
  struct Running {
    FetchOrder order;
    WallTime started_wall;
    MonoTime started;
    std::chrono::milliseconds duration;
    std::chrono::milliseconds cut_after = std::chrono::milliseconds::max();  // by cancel

    std::chrono::milliseconds answered_after(std::size_t index) const;
    MonoTime finished_at() const;
  };

  std::vector<Running> take_due();
  FinishedFetch finish(const Running& running);
  Answer answer(const Running& running, std::size_t index);
  void report_username(InfluencerId influencer, std::vector<Username>& names);

  ManualClock& clock_;
  Script script_;
  std::function<std::chrono::milliseconds(const FetchOrder&)> duration_;
  std::function<std::string(InfluencerId)> username_;
  Status probe_;
  bool denies_in_words_ = true;
  std::optional<MissReason> holdup_;
  bool is_outage_ = false;
  std::vector<Running> running_;
  std::map<InfluencerId, std::string> reported_names_;
  std::uint64_t requests_total_ = 0;
  std::vector<FetchedValue> given_values_;
  std::vector<GivenMiss> given_misses_;
};

}  // namespace ia
