#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "core/leaderboard.h"
#include "http/late_answer.h"

namespace ia {

// Where the events come from. Each appends one line of JSON.
struct LiveSources {
  std::function<std::shared_ptr<const LeaderboardSnapshot>()> leaderboard;
  // False: it cannot be told now.
  std::function<bool(const LeaderboardSnapshot& board, std::string& out)> summary;
  std::function<void(InfluencerId id, const LeaderboardSnapshot& board, std::string& out)>
      influencer;
};

// The server-sent events of all streams. A new snapshot, at most one a second, becomes an event
// "influencer" for each chosen influencer whose value is newer, and then an event "summary", which
// carries the id of the snapshot: who has it has all that came before. Every event is made once and
// shared by the streams that get it. One thread at a time.
//
// Costs of a snapshot: one look-up for each different influencer that anybody chose, one rendering
// for each that changed, some 50 ns for each event of each stream; the sending is the server's.
class LiveEvents {
 public:
  struct Arrival {
    std::shared_ptr<LateAnswer> stream;
    std::vector<InfluencerId> chosen;
    std::string last_event_id;  // empty: none
  };

  static constexpr std::chrono::seconds kSnapshotEvery{1};
  static constexpr std::chrono::seconds kHeartbeatEvery{15};
  static constexpr std::chrono::seconds kRetryDelayMax{15};

  LiveEvents(LiveSources sources, Metrics& metrics);

  // Sends the state as of the newest snapshot, unless the id is its own; then what comes.
  void welcome(Arrival arrival, MonoTime now);
  // Call it often: several times a second while there are streams.
  void step(MonoTime now);
  // Streams; those that ended are forgotten with the next event.
  std::size_t size() const { return streams_.size(); }

 private:
  struct Watched {
    std::size_t watchers = 0;
    std::optional<WallTime> retrieved_at;
    LateAnswer::Bytes event;  // of board_, once it was needed
    bool is_news = false;     // in board_
  };
  using Entry = std::unordered_map<InfluencerId, Watched>::value_type;
  struct Stream {
    std::shared_ptr<LateAnswer> answer;
    std::vector<Entry*> chosen;
  };

  bool take_snapshot(MonoTime now);
  bool render_summary(const LeaderboardSnapshot& board, MonoTime now);
  const LateAnswer::Bytes& event_of(Entry& entry);
  Entry& watch(InfluencerId id);
  void publish();
  void beat();
  void forget_ended();
  void send(const Stream& stream, const LateAnswer::Bytes& event, CounterMetric& counter);

  const LiveSources sources_;
  CounterMetric summaries_;
  CounterMetric influencers_;
  CounterMetric heartbeats_;
  std::shared_ptr<const LeaderboardSnapshot> board_;  // what the streams know
  std::string id_;                                    // of board_
  LateAnswer::Bytes summary_;
  MonoTime taken_at_{};
  MonoTime retry_at_{};  // after a summary that could not be made
  std::chrono::seconds retry_delay_{0};
  MonoTime summary_at_{};
  MonoTime beat_at_{};
  std::unordered_map<InfluencerId, Watched> watched_;
  std::vector<Stream> streams_;
};

}  // namespace ia
