#include "net/reply_parser.h"

#include <optional>
#include <vector>

#include "base/http_chunks.h"
#include "base/http_head.h"
#include "net/inflate.h"

namespace ia {
namespace {

using http1::ChunkReader;
using http1::FieldReader;

constexpr std::size_t kHeadBytesMax = 16 * 1024;
constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr unsigned kSwitchingProtocols = 101;
constexpr std::size_t kCodingsMax = 3;
constexpr std::string_view kVersion = "HTTP/1.";

bool may_begin_a_reply(std::string_view bytes) {
  const auto known = bytes.substr(0, kVersion.size());
  return kVersion.starts_with(known);
}

// RFC 9112, section 5.2: a line that goes on is one line with blanks in between.
std::string unfold(std::string_view fields) {
  std::string lines(fields);
  for (std::size_t at = lines.find("\r\n"); at + 2 < lines.size();
       at = lines.find("\r\n", at + 2)) {
    if (lines[at + 2] == ' ' || lines[at + 2] == '\t') lines[at] = lines[at + 1] = ' ';
  }
  return lines;
}

std::optional<Coding> coding_named(std::string_view name) {
  if (http1::equals(name, "gzip") || http1::equals(name, "x-gzip")) return Coding::kGzip;
  if (http1::equals(name, "deflate")) return Coding::kDeflate;
  return std::nullopt;
}

// Content-Encoding: the codings in the order in which they were applied.
struct Codings {
  std::vector<Coding> applied;
  bool has_unknown = false;

  void take(std::string_view list) {
    while (!list.empty()) {
      const auto name = http1::take_element(list);
      const bool is_none =
          name.empty() || http1::equals(name, "identity") || http1::equals(name, "none");
      if (is_none) continue;
      const auto coding = coding_named(name);
      has_unknown = has_unknown || !coding || applied.size() == kCodingsMax;
      if (!has_unknown) applied.push_back(*coding);
    }
  }
};

}  // namespace

// What a head says.
struct ReplyParser::Head {
  HttpReply reply;
  http1::Framing framing;
  Codings codings;

  bool has_body() const {
    return reply.status >= 200 && reply.status != 204 && reply.status != 304;
  }
  bool ends_with_connection() const { return has_body() && !framing.is_chunked && !framing.length; }

  bool take(const http1::Field& field) {
    if (http1::equals(field.name, "retry-after")) {
      reply.retry_after = field.value;
    } else if (http1::equals(field.name, "date")) {
      reply.date = field.value;
    } else if (http1::equals(field.name, "content-encoding")) {
      codings.take(field.value);
    }
    return framing.take(field);
  }

  bool read(std::string_view line, std::string_view lines) {
    const auto status = http1::parse_status_line(line);
    if (!status) return false;
    FieldReader fields(lines);
    while (const auto field = fields.next()) {
      if (!take(*field)) return false;
    }
    reply.status = status->status;
    reply.keep_alive = framing.keeps_connection(status->minor_version) && !ends_with_connection();
    codings.has_unknown = codings.has_unknown || !framing.is_plain();
    return fields.is_sound();
  }
};

// A body whose length is not known beforehand.
struct ReplyParser::Gathered {
  explicit Gathered(Head its_head)
      : head(std::move(its_head)),
        retry_after(head.reply.retry_after),
        date(head.reply.date),
        in_chunks(head.framing.is_chunked) {
    head.reply.retry_after = retry_after;
    head.reply.date = date;
  }

  Head head;
  std::string retry_after, date;
  bool in_chunks;
  ChunkReader chunks{kBodyBytesMax};
  std::string body;
};

ReplyParser::ReplyParser() = default;
ReplyParser::~ReplyParser() = default;

ReplyParser::Result ReplyParser::read(std::string_view bytes, std::size_t& used) {
  used = 0;
  for (;;) {
    std::size_t more = 0;
    const auto rest = bytes.substr(used);
    const auto result = begun_ ? read_body(rest, more) : read_one(rest, more);
    used += more;
    if (result != Result::kReply || reply_.status >= 200) return result;
    if (reply_.status == kSwitchingProtocols) return Result::kUnsound;
  }
}

ReplyParser::Result ReplyParser::read_one(std::string_view bytes, std::size_t& used) {
  if (!may_begin_a_reply(bytes)) return Result::kUnsound;
  const auto scan = http1::scan_head(bytes, kHeadBytesMax);
  if (scan.state == http1::HeadState::kPartial) return Result::kNeedMore;
  if (scan.state != http1::HeadState::kWhole) return Result::kUnsound;
  const auto bytes_of_head = bytes.substr(0, scan.size);
  auto fields = FieldReader::fields_of(bytes_of_head);
  if (http1::has_folded_field(fields)) fields = unfolded_ = unfold(fields);
  Head head;
  if (!head.read(FieldReader::first_line(bytes_of_head), fields)) return Result::kUnsound;
  const auto length = head.has_body() ? head.framing.length.value_or(0) : 0;
  if (length > kBodyBytesMax) return Result::kUnsound;
  if (head.has_body() && !head.framing.length) {
    begun_ = std::make_unique<Gathered>(std::move(head));
    const auto result = read_body(bytes.substr(scan.size), used);
    used += scan.size;
    return result;
  }
  if (bytes.size() - scan.size < length) return Result::kNeedMore;
  reply_ = head.reply;
  reply_.body = bytes.substr(scan.size, length);
  used = scan.size + length;
  decode_body(head);
  return Result::kReply;
}

ReplyParser::Result ReplyParser::read_body(std::string_view bytes, std::size_t& used) {
  auto& begun = *begun_;
  if (!begun.in_chunks) {
    used = bytes.size();
    begun.body += bytes;
    return begun.body.size() > kBodyBytesMax ? Result::kUnsound : Result::kNeedMore;
  }
  for (;;) {
    std::size_t more = 0;
    const auto state = begun.chunks.read(bytes.substr(used), more);
    used += more;
    if (state == ChunkReader::State::kMore) return Result::kNeedMore;
    if (state == ChunkReader::State::kDone) return finish_body();
    if (state != ChunkReader::State::kData) return Result::kUnsound;
    begun.body += begun.chunks.data();
  }
}

ReplyParser::Result ReplyParser::end() {
  if (!begun_) return Result::kNeedMore;
  return begun_->in_chunks ? Result::kUnsound : finish_body();
}

ReplyParser::Result ReplyParser::finish_body() {
  finished_ = std::move(begun_);
  reply_ = finished_->head.reply;
  reply_.body = finished_->body;
  decode_body(finished_->head);
  return Result::kReply;
}

// No body at all is in no coding, whatever the head says.
void ReplyParser::decode_body(const Head& head) {
  reply_.is_unreadable = head.codings.has_unknown;
  if (reply_.is_unreadable || head.codings.applied.empty() || reply_.body.empty()) return;
  auto bytes = reply_.body;
  for (auto coding = head.codings.applied.rbegin(); coding != head.codings.applied.rend();
       ++coding) {
    std::string out;
    if (!decode(*coding, bytes, kBodyBytesMax, out)) {
      reply_.is_unreadable = true;
      return;
    }
    decoded_ = std::move(out);
    bytes = decoded_;
  }
  reply_.body = decoded_;
}

bool ReplyParser::has_begun() const { return begun_ != nullptr; }

void ReplyParser::reset() { begun_.reset(); }

}  // namespace ia
