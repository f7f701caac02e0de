#include "simulator/faulty_reply.h"

#include <utility>

#include "simulator/random.h"

namespace ia {
namespace {

constexpr std::size_t kOversizedBytes = 80'000;
constexpr std::string_view kNoise = "\r\n\x01\x02 these bytes belong to no answer \xff";

std::string with_value(const AnswerParts& parts, std::string_view value) {
  return parts.before + parts.key + std::string(value) + parts.after;
}

// The object without the key: a comma that stood before the key is gone with it.
std::string without_value(const AnswerParts& parts) {
  const bool first = parts.before == "{" && parts.after.starts_with(',');
  return parts.before + parts.after.substr(first ? 1 : 0);
}

std::string malformed(Malformation malformation, const AnswerParts& parts) {
  const auto good = with_value(parts, parts.value);
  switch (malformation) {
    case Malformation::kNotJson:
      return "<html><body>It works!</body></html>";
    case Malformation::kCut:
      return good.substr(0, good.size() / 2);
    case Malformation::kEmpty:
      return "";
    case Malformation::kNegative:
      return with_value(parts, "-5");
    case Malformation::kFractional:
      return with_value(parts, "1234.5");
    case Malformation::kNull:
      return with_value(parts, "null");
    case Malformation::kHuge:
      return with_value(parts, "99999999999999999999999");
    case Malformation::kText:
      return with_value(parts, "\"" + parts.value + "\"");
    case Malformation::kMissing:
      return without_value(parts);
    case Malformation::kArray:
      return "[" + good + "]";
    case Malformation::kOversized:
      return good.substr(0, good.size() - 1) + ",\"padding\":\"" +
             std::string(kOversizedBytes - good.size(), 'x') + "\"}";
  }
  std::unreachable();
}

Malformation chosen(const FaultSetting& setting) {
  const auto& chosen = setting.faults.malformations;
  if (chosen.empty()) return static_cast<Malformation>(setting.random % kMalformationCount);
  return chosen[setting.random % chosen.size()];
}

void truncate(Reply& reply) {
  const auto body = reply.bytes.find("\r\n\r\n") + 4;
  reply.bytes.resize(body + (reply.bytes.size() - body) / 2);
  reply.after = Reply::After::kClose;
}

void add_bytes(Reply& reply, std::uint64_t random, const ReplyFrame& frame) {
  if (random % 2 == 0) {
    reply.bytes += kNoise;
  } else {
    append_influencer(reply.bytes, InfluencerId{random % kInfluencerIdMax}, {6'666, 666}, frame);
  }
}

Reply redirect_reply(PageForm form, const ReplyFrame& frame) {
  return reply_of({.status = 302,
                   .content_type = "text/plain; charset=utf-8",
                   .body = "Found. Redirecting to /elsewhere",
                   .extra_headers = "Location: /elsewhere\r\nVary: Accept\r\n",
                   .has_etag = false},
                  form, frame);
}

}  // namespace

Reply reply_of(const Page& page, PageForm form, const ReplyFrame& frame) {
  Reply reply{.status = page.status};
  append_page(reply.bytes, page, form, frame);
  if (!form.keep_alive) reply.after = Reply::After::kClose;
  return reply;
}

Reply limited_reply(const Faults& faults, PageForm form, const ReplyFrame& frame) {
  const auto seconds = std::to_string(faults.retry_after.count());
  return reply_of({.status = 429,
                   .content_type = "text/plain; charset=utf-8",
                   .body = "Too Many Requests",
                   .extra_headers = "Retry-After: " + seconds + "\r\n",
                   .has_etag = false},
                  form, frame);
}

Reply plain_error_reply(PageForm form, const ReplyFrame& frame) {
  return reply_of({.status = 500,
                   .content_type = "text/plain; charset=utf-8",
                   .body = "Internal Server Error",
                   .has_etag = false},
                  form, frame);
}

Reply spoiled_reply(FaultKind kind, const AnswerParts& parts, const FaultSetting& setting,
                    const ReplyFrame& frame) {
  if (kind == FaultKind::kError) return plain_error_reply(parts.form, frame);
  if (kind == FaultKind::kLimited) return limited_reply(setting.faults, parts.form, frame);
  if (kind == FaultKind::kRedirect) return redirect_reply(parts.form, frame);
  if (kind == FaultKind::kHang) return {.after = Reply::After::kHang};
  if (kind == FaultKind::kClose) return {.after = Reply::After::kClose};

  const bool is_malformed = kind == FaultKind::kMalformed;
  auto reply = reply_of(
      {.body = is_malformed ? malformed(chosen(setting), parts) : with_value(parts, parts.value)},
      parts.form, frame);
  if (kind == FaultKind::kTruncate) truncate(reply);
  if (kind == FaultKind::kDrip) reply.drip = setting.faults.drip_interval;
  if (kind == FaultKind::kExtraBytes) add_bytes(reply, setting.random, frame);
  return reply;
}

}  // namespace ia
