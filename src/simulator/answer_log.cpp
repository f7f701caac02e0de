#include "simulator/answer_log.h"

#include <algorithm>
#include <iterator>

namespace ia {

void AnswerLog::add(const Answered& answer) {
  if (!enabled()) return;
  const std::lock_guard lock(mutex_);
  if (ring_.size() < capacity_) {
    ring_.push_back(answer);
  } else {
    ring_[added_ % capacity_] = answer;
  }
  ++added_;
}

std::vector<Answered> AnswerLog::all() const {
  const std::lock_guard lock(mutex_);
  auto answers = ring_;
  const auto oldest = ring_.size() < capacity_ || capacity_ == 0 ? 0 : added_ % capacity_;
  std::ranges::rotate(answers, answers.begin() + static_cast<std::ptrdiff_t>(oldest));
  return answers;
}

std::vector<Answered> AnswerLog::of(InfluencerId influencer) const {
  std::vector<Answered> answers;
  std::ranges::copy_if(all(), std::back_inserter(answers),
                       [influencer](const Answered& a) { return a.influencer == influencer; });
  return answers;
}

std::uint64_t AnswerLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return added_ - ring_.size();
}

}  // namespace ia
