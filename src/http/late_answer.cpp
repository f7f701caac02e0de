#include "http/late_answer.h"

#include <utility>

namespace ia {

bool LateAnswer::is_wanted() const {
  const std::scoped_lock lock(mutex_);
  return is_wanted_ && state_ == State::kOpen;
}

void LateAnswer::answer(HttpResponse response) {
  const std::scoped_lock lock(mutex_);
  if (!is_wanted_ || answer_) return;
  answer_ = std::move(response);
  wake();
}

bool LateAnswer::write(Bytes bytes) {
  const std::scoped_lock lock(mutex_);
  if (!is_wanted_ || state_ != State::kOpen) return false;
  waiting_bytes_ += bytes->size();
  if (waiting_bytes_ > kWaitingBytesMax) {
    state_ = State::kOverrun;
    pieces_ = {};
  } else {
    pieces_.push_back(std::move(bytes));
  }
  wake();
  return state_ == State::kOpen;
}

void LateAnswer::end() {
  const std::scoped_lock lock(mutex_);
  if (state_ == State::kOpen) state_ = State::kEnded;
  wake();
}

void LateAnswer::attach(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

void LateAnswer::close() {
  const std::scoped_lock lock(mutex_);
  is_wanted_ = false;
  wake_ = nullptr;
  answer_.reset();
  pieces_ = {};
}

bool LateAnswer::is_answered() const {
  const std::scoped_lock lock(mutex_);
  return answer_.has_value();
}

HttpResponse LateAnswer::take_answer() {
  const std::scoped_lock lock(mutex_);
  is_woken_ = false;
  return std::move(*answer_);
}

LateAnswer::State LateAnswer::take(std::string& out) {
  const std::scoped_lock lock(mutex_);
  is_woken_ = false;
  for (const auto& piece : pieces_) out += *piece;
  pieces_.clear();
  waiting_bytes_ = 0;
  return state_;
}

// Pieces before their head are no news. Once until something is taken: a stream of many small
// pieces wakes its thread once.
void LateAnswer::wake() {
  if (!wake_ || !answer_ || std::exchange(is_woken_, true)) return;
  wake_();
}

}  // namespace ia
