#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
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

  enum class Priority : std::uint8_t { kNormal, kLow };  // kLow: only what others leave (nice 19)

  // `name`, at most 15 characters, is what `ps -T` shows.
  StageThread(std::string name, Step step, Priority priority = Priority::kNormal);
  ~StageThread();
  StageThread(const StageThread&) = delete;
  StageThread& operator=(const StageThread&) = delete;

  void stop();

  // "The sink has been in one step for 300 s. " when its step takes longer than `step_max`, else
  // empty. From any thread.
  std::string standstill(std::chrono::milliseconds step_max) const;

 private:
  void loop();

  std::string name_;
  Step step_;
  const Priority priority_;
  std::atomic<std::chrono::steady_clock::rep> step_began_ = 0;  // 0: it rests
  std::mutex mutex_;
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ia
