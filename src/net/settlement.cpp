#include "net/settlement.h"

#include <fmt/format.h>

#include "net/proxy.h"
#include "net/retry_after.h"

namespace ia {
namespace {

constexpr std::uint32_t kAttemptsMax = 3, kResendsMax = 3;

std::string_view remark_on(const HttpReply& reply) {
  return reply.is_unreadable ? "its content coding cannot be read" : proxy_advice(reply.status);
}

}  // namespace

Settlement::Settlement(Parts parts)
    : parts_(std::move(parts)),
      wrong_id_state_(parts_.log, "network"),
      examples_(parts_.log, parts_.authority) {}

void Settlement::fail(OrderBook::Item item, MissReason reason) {
  item.reason = reason;
  ++item.attempts;
  if (item.attempts >= kAttemptsMax || !parts_.governor.take_retry()) {
    return parts_.book.end(item, reason);
  }
  ++retried_;
  parts_.book.repeat(item, parts_.clock.mono() + parts_.governor.backoff(item.attempts));
}

void Settlement::wait_as_told(const HttpReply& reply, MonoTime now, std::chrono::nanoseconds time) {
  const auto wall = parts_.clock.wall();
  const auto asked = parse_retry_after(reply.retry_after, wall);
  trouble_ = fmt::format("{}: status {}, {}", parts_.authority, reply.status,
                         describe_retry_after(reply.retry_after, asked, parts_.pause));
  parts_.governor.on_limit(now, time, asked, trouble_);
}

const FailureExample* Settlement::note(const FailureExamples::Failure& failure) {
  return examples_.note(failure, parts_.watch.wall(), parts_.clock.mono());
}

void Settlement::note(const OrderBook::Item& item, const HttpReply& reply, MissReason reason) {
  const auto* kept = note({.reason = reason,
                           .influencer = item.influencer,
                           .status = reply.status,
                           .bytes = reply.body,
                           .remark = remark_on(reply)});
  if (kept == nullptr || reason == MissReason::kNotFound) return;
  trouble_ = fmt::format("{}: status {}: {}", parts_.authority, reply.status, kept->text);
}

void Settlement::note(const OrderBook::Item& item, const Loss& loss) {
  const auto* kept = note({.reason = loss.reason,
                           .influencer = item.influencer,
                           .bytes = loss.received,
                           .remark = loss.cause});
  if (kept != nullptr) trouble_ = fmt::format("{}: {}", parts_.authority, kept->text);
}

void Settlement::note_wrong_id(const OrderBook::Item& item) {
  wrong_id_state_.failing("replies for other influencers came: dropped, their connection closed",
                          std::to_string(number_of(item.influencer)));
}

bool Settlement::settle(Batch& batch, const HttpReply& reply) {
  auto& governor = parts_.governor;
  auto& book = parts_.book;
  const auto& watch = parts_.watch;
  auto& item = batch.items[batch.answered++];
  const auto now = watch.mono();
  governor.on_reply(now - batch.sent_at);
  network_clock_.read(reply.date, watch.wall(), now);
  if (reply.status == 429 || (reply.status == 503 && !reply.retry_after.empty())) {
    note(item, reply, MissReason::kRateLimited);
    wait_as_told(reply, now, now - batch.sent_at);
    fail(item, MissReason::kRateLimited);
    return true;
  }
  const auto judgement = parts_.dialect.judge(item.influencer, reply);
  if (judgement.wrong_id) note_wrong_id(item);
  switch (judgement.kind) {
    case Judgement::Kind::kValue:
      governor.on_value(now);
      trouble_.clear();
      // It may have come before the thread stood still: then it is no value of this minute.
      if (batch.crossings != watch.crossings()) {
        book.end(item, watch.reason());
      } else {
        book.end(item, {item.influencer, watch.wall(), judgement.counts}, judgement.username);
      }
      break;
    case Judgement::Kind::kMiss:
      note(item, reply, judgement.reason);
      governor.on_denial(now);
      book.end(item, judgement.reason, judgement.in_words);
      break;
    case Judgement::Kind::kRetry:
      note(item, reply, judgement.reason);
      governor.on_failed_reply(now, judgement.reason);
      fail(item, judgement.reason);
      break;
  }
  return !judgement.wrong_id;
}

void Settlement::lose(Batch& batch, const Loss& loss) {
  const auto now = parts_.watch.mono();
  if (batch.items.size() - batch.answered > 1 && loss.ends_pipelining) {
    parts_.governor.stop_pipelining(now);
  }
  for (bool is_first = true; !batch.is_settled(); is_first = false) {
    auto item = batch.items[batch.answered++];
    item.reason = loss.reason;
    if ((loss.is_unseen || !is_first) && item.resends++ < kResendsMax) {
      parts_.governor.on_unsent(1);
      parts_.book.repeat(item, now);
      continue;
    }
    if (is_first) note(item, loss);
    parts_.governor.on_lost(now, loss.reason);
    fail(item, loss.reason);
  }
}

void Settlement::repeat_unsent(const Batch& batch, MissReason reason) {
  const auto now = parts_.watch.mono();
  note({.reason = reason, .influencer = batch.items.front().influencer, .remark = trouble_});
  parts_.governor.on_unreachable(batch.items.size(), now, reason, trouble_);
  for (auto item : batch.items) {
    item.reason = reason;
    parts_.book.repeat(item, now + parts_.governor.backoff(1));
  }
}

}  // namespace ia
