#include "api/live/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ia {
namespace {

constexpr std::string_view kMetric = "ia_stream_events_total";

CounterMetric counter(Metrics& metrics, const char* event) {
  return metrics.counter(std::string(kMetric), "Events given to streams.", {{"event", event}});
}

LateAnswer::Bytes shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

// The version alone begins anew with the process, and each process has its own.
std::string id_of(const LeaderboardSnapshot& board) {
  return fmt::format("{}-{}", board.version(), board.published_at().time_since_epoch().count());
}

std::optional<WallTime> retrieved_at(const LeaderboardSnapshot& board, InfluencerId id) {
  const auto standing = board.find(id);
  return standing ? std::optional(standing->retrieved_at) : std::nullopt;
}

}  // namespace

LiveEvents::LiveEvents(LiveSources sources, Metrics& metrics)
    : sources_(std::move(sources)),
      summaries_(counter(metrics, "summary")),
      influencers_(counter(metrics, "influencer")),
      heartbeats_(counter(metrics, "heartbeat")) {}

void LiveEvents::send(const Stream& stream, const LateAnswer::Bytes& event,
                      CounterMetric& counter) {
  if (stream.answer->write(event)) counter.add();
}

bool LiveEvents::render_summary(const LeaderboardSnapshot& board, MonoTime now) {
  auto text = fmt::format("event: summary\nid: {}\ndata: ", id_of(board));
  if (!sources_.summary(board, text)) return false;
  summary_ = shared(text += "\n\n");
  summary_at_ = now;
  return true;
}

// False when there is none that the streams do not know.
bool LiveEvents::take_snapshot(MonoTime now) {
  auto board = sources_.leaderboard();
  auto id = id_of(*board);
  if (board_ && id == id_) return false;
  if (!render_summary(*board, now)) {
    retry_delay_ = std::clamp(2 * retry_delay_, kSnapshotEvery, kRetryDelayMax);
    retry_at_ = now + retry_delay_;
    return false;
  }
  retry_delay_ = std::chrono::seconds{0};
  board_ = std::move(board);
  id_ = std::move(id);
  taken_at_ = now;
  return true;
}

const LateAnswer::Bytes& LiveEvents::event_of(Entry& entry) {
  auto& event = entry.second.event;
  if (!event) {
    std::string text = "event: influencer\ndata: ";
    sources_.influencer(entry.first, *board_, text);
    event = shared(text += "\n\n");
  }
  return event;
}

LiveEvents::Entry& LiveEvents::watch(InfluencerId id) {
  const auto [entry, is_new] = watched_.try_emplace(id);
  if (is_new) entry->second.retrieved_at = retrieved_at(*board_, id);
  ++entry->second.watchers;
  return *entry;
}

void LiveEvents::welcome(Arrival arrival, MonoTime now) {
  if (streams_.empty()) {
    take_snapshot(now);
    beat_at_ = now;
  }
  if (!board_) return arrival.stream->end();  // it comes again
  Stream stream{std::move(arrival.stream), {}};
  for (const auto id : arrival.chosen) stream.chosen.push_back(&watch(id));
  if (arrival.last_event_id != id_) {
    for (auto* entry : stream.chosen) send(stream, event_of(*entry), influencers_);
    // It says how old things are.
    if (now - summary_at_ >= kSnapshotEvery) render_summary(*board_, now);
    send(stream, summary_, summaries_);
  }
  streams_.push_back(std::move(stream));
}

void LiveEvents::step(MonoTime now) {
  if (streams_.empty()) return;
  const bool is_due = now - taken_at_ >= kSnapshotEvery && now >= retry_at_;
  if (is_due && take_snapshot(now)) publish();
  if (now - beat_at_ < kHeartbeatEvery) return;
  beat_at_ = now;
  beat();
}

void LiveEvents::publish() {
  forget_ended();
  for (auto& entry : watched_) {
    auto& watched = entry.second;
    const auto newest = retrieved_at(*board_, entry.first);
    watched.event = nullptr;
    watched.is_news = newest != watched.retrieved_at;
    watched.retrieved_at = newest;
  }
  for (const auto& stream : streams_) {
    for (auto* entry : stream.chosen) {
      if (entry->second.is_news) send(stream, event_of(*entry), influencers_);
    }
    send(stream, summary_, summaries_);
  }
}

// A comment: it keeps what is between us and the client from taking the stream for dead.
void LiveEvents::beat() {
  static const auto kBeat = shared(":\n\n");
  forget_ended();
  for (const auto& stream : streams_) send(stream, kBeat, heartbeats_);
}

void LiveEvents::forget_ended() {
  std::erase_if(streams_, [this](const Stream& stream) {
    if (stream.answer->is_wanted()) return false;
    for (auto* entry : stream.chosen) {
      if (--entry->second.watchers == 0) watched_.erase(entry->first);
    }
    return true;
  });
}

}  // namespace ia
