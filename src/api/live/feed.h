#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "api/live/events.h"

namespace ia {

// LiveEvents on a thread of its own ("live"), which sleeps while there are no streams and else
// looks for a new snapshot ten times a second.
class LiveFeed {
 public:
  LiveFeed(LiveSources sources, Metrics& metrics, const Clock& clock);
  // Ends no stream: that is for the server.
  ~LiveFeed();
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;

  // Any thread; does not wait.
  void add(LiveEvents::Arrival arrival);

 private:
  void run();

  const Clock& clock_;
  LiveEvents events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LiveEvents::Arrival> arrivals_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace ia
