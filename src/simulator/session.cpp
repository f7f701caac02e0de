#include "simulator/session.h"

#include <utility>

namespace ia {

void Session::receive(std::string_view bytes, MonoTime now, std::string& out) {
  const bool fresh = rest_.empty();
  if (!fresh) rest_ += bytes;
  auto left = fresh ? bytes : std::string_view(rest_);
  while (!left.empty() && !deaf_) {
    const auto taken = take_request(left, now, out);
    left.remove_prefix(taken);
    if (taken == 0) break;
  }
  rest_ = deaf_ ? std::string() : std::string(left);
}

std::size_t Session::take_request(std::string_view bytes, MonoTime now, std::string& out) {
  // Node skips empty lines between requests.
  if (!reader_.in_request() && bytes.starts_with("\r\n")) return 2;
  const auto plain = reader_.in_request() ? std::nullopt : match_plain_get(bytes, known_headers_);
  if (!plain) return take_any_request(bytes, now, out);
  if (owed_.empty() && responder_.answer_at_once(plain->pk, out)) {
    answered_ = true;
  } else {
    owe(responder_.answer_influencer(plain->pk), now, out);
  }
  return plain->size;
}

std::size_t Session::take_any_request(std::string_view bytes, MonoTime now, std::string& out) {
  std::size_t taken = 0;
  switch (const auto state = reader_.read(bytes, taken)) {
    case RequestReader::State::kPartial:
      break;
    case RequestReader::State::kContinue:
      ask_for_body(out);
      break;
    case RequestReader::State::kWhole:
      if (const auto headers = reader_.request().headers_seen; !headers.empty()) {
        known_headers_ = headers;
      }
      if (reader_.request().expects_continue) ask_for_body(out);
      owe(responder_.answer(reader_.request()), now, out);
      break;
    default:
      owe(responder_.refuse(state), now, out);
  }
  return taken;
}

void Session::ask_for_body(std::string& out) const {
  // Out of turn it would be taken for the answer to an earlier request.
  if (owed_.empty()) out += "HTTP/1.1 100 Continue\r\n\r\n";
}

void Session::owe(Reply reply, MonoTime now, std::string& out) {
  deaf_ = reply.after != Reply::After::kKeep;
  if (owed_.empty() && reply.delay.count() == 0 && reply.drip.count() == 0) {
    give(reply, out);
  } else {
    owed_.push_back({now + reply.delay, std::move(reply)});
  }
}

void Session::give(const Reply& reply, std::string& out) {
  out += reply.bytes;
  answered_ = true;
  closing_ = reply.after == Reply::After::kClose;
  hanging_ = reply.after == Reply::After::kHang;
}

void Session::take_due(MonoTime now, std::string& out) {
  while (!owed_.empty() && !dumb() && owed_.front().due <= now) {
    auto& front = owed_.front();
    if (front.reply.drip.count() > 0 && !drip(front, now, out)) continue;
    if (front.reply.drip.count() > 0) front.reply.bytes.clear();
    give(front.reply, out);
    owed_.pop_front();
  }
}

bool Session::drip(Owed& owed, MonoTime now, std::string& out) {
  out += owed.reply.bytes[owed.sent];
  ++owed.sent;
  owed.due = now + owed.reply.drip;
  return owed.sent == owed.reply.bytes.size();
}

std::optional<MonoTime> Session::next_due() const {
  if (owed_.empty() || dumb()) return std::nullopt;
  return owed_.front().due;
}

Session::Waiting Session::waiting() const {
  if (!owed_.empty() || dumb()) return Waiting::kNothing;
  if (!answered_ || reader_.in_request() || !rest_.empty()) return Waiting::kRequest;
  return Waiting::kNextRequest;
}

void Session::give_up(std::string& out) { give(responder_.timed_out(), out); }

}  // namespace ia
