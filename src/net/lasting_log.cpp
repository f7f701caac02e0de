#include "net/lasting_log.h"

#include <chrono>

namespace ia {
namespace {

std::string seconds_text(MonoTime::duration time) {
  return std::to_string(std::chrono::round<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

void LastingLog::failing(MonoTime now, std::string_view begins, std::string cause) {
  seen_at_ = now;
  cause_ = std::move(cause);
  if (is_on_) return;
  is_on_ = true;
  has_lasted_ = false;
  began_at_ = now;
  log_.warning(component_, begins, {{"cause", cause_}});
}

void LastingLog::refresh(MonoTime now) {
  if (!is_on_) return;
  if (now - seen_at_ >= kAbsent) {
    is_on_ = false;
    log_.info(component_, lines_.ends, {{"after", seconds_text(seen_at_ - began_at_)}});
  } else if (!has_lasted_ && now - began_at_ >= kLasting) {
    has_lasted_ = true;
    log_.warning(component_, lines_.lasts,
                 {{"for", seconds_text(now - began_at_)}, {"cause", cause_}});
  }
}

}  // namespace ia
