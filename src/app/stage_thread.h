#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace ia {

// A named thread that does one step after the other until it is stopped. A step returns how long
// to rest before the next one. stop waits for the step that is running.
class StageThread {
 public:
  using Step = std::function<std::chrono::milliseconds()>;

  // `name`, at most 15 characters, is what `ps -T` shows.
  StageThread(std::string name, Step step);
  ~StageThread();
  StageThread(const StageThread&) = delete;
  StageThread& operator=(const StageThread&) = delete;

  void stop();

 private:
  void loop();

  std::string name_;
  Step step_;
  std::mutex mutex_;
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ia
