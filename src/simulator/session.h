#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "simulator/request.h"
#include "simulator/responder.h"

namespace ia {

// One connection without its socket: bytes in, bytes out, and when to look again. Requests may be
// pipelined: each is dealt with at once, and answered in order, so that a slow one holds up those
// behind it. Answers that are ready together come out together.
class Session {
 public:
  // What the client is waited for with.
  enum class Waiting : std::uint8_t {
    kRequest,      // the first one, or the rest of one
    kNextRequest,  // nothing is owed
    kNothing,      // an answer is owed
  };

  explicit Session(Responder& responder) : responder_(responder) {}

  // Appends to `out` what is to be sent now. The responder's time must be set.
  void receive(std::string_view bytes, MonoTime now, std::string& out);
  // The same for answers whose time has come.
  void take_due(MonoTime now, std::string& out);
  // When to call take_due next.
  std::optional<MonoTime> next_due() const;

  // So many answers are owed that no more should be read.
  bool full() const { return owed_.size() >= kOwedMax; }
  // Close the connection once everything is sent.
  bool closing() const { return closing_; }
  // No further answer will ever come.
  bool dumb() const { return hanging_ || closing_; }
  Waiting waiting() const;
  // Says to a client that did not finish its request that its time is over.
  void give_up(std::string& out);

 private:
  static constexpr std::size_t kOwedMax = 1'000;
  struct Owed {
    MonoTime due;
    Reply reply;
    std::size_t sent = 0;  // of a dripping answer
  };

  std::size_t take_request(std::string_view bytes, MonoTime now, std::string& out);
  std::size_t take_any_request(std::string_view bytes, MonoTime now, std::string& out);
  void ask_for_body(std::string& out) const;
  void owe(Reply reply, MonoTime now, std::string& out);
  void give(const Reply& reply, std::string& out);
  bool drip(Owed& owed, MonoTime now, std::string& out);

  Responder& responder_;
  RequestReader reader_;
  std::string rest_;           // bytes that are not a whole request yet
  std::string known_headers_;  // for match_plain_get
  std::deque<Owed> owed_;
  bool answered_ = false;
  bool deaf_ = false;  // an answer is owed after which there is nothing
  bool hanging_ = false;
  bool closing_ = false;
};

}  // namespace ia
