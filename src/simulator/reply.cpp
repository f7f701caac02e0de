#include "simulator/reply.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "simulator/random.h"

namespace ia {
namespace {

constexpr std::string_view kInfluencerHead =
    "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\n"
    "Content-Type: application/json; charset=utf-8\r\nContent-Length: ";
constexpr std::size_t kEtagCharacters = 22;

// Eight bytes at a time: an ETag has to look like one and to follow the body, not to be MD5.
std::uint64_t hash(std::string_view body) {
  std::uint64_t state = body.size();
  while (!body.empty()) {
    std::uint64_t piece = 0;
    const auto size = std::min(body.size(), sizeof piece);
    std::memcpy(&piece, body.data(), size);
    state = (state ^ piece) * 0x9e3779b97f4a7c15U;
    state ^= state >> 29;
    body.remove_prefix(size);
  }
  return state;
}

// Writes text and numbers into a buffer that is known to be large enough.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}

  Pen& text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Pen& number(std::uint64_t value, int base = 10) {
    at_ = std::to_chars(at_, at_ + 20, value, base).ptr;
    return *this;
  }
  Pen& etag(std::string_view body) {
    text("W/\"").number(body.size(), 16).text("-");
    const auto first = hash(body);
    return digits(first).digits(scramble(first)).text("\"");
  }
  // The lower 66 bits, as far as there are any.
  Pen& digits(std::uint64_t bits) {
    for (std::size_t i = 0; i < kEtagCharacters / 2; ++i) {
      *at_++ = kBase64[bits & 63U];
      bits >>= 6U;
    }
    return *this;
  }
  char* at() const { return at_; }

 private:
  static constexpr std::string_view kBase64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* at_;
};

constexpr std::size_t kInfluencerJsonMax = 192;

std::string_view write_influencer(std::array<char, kInfluencerJsonMax>& buffer, InfluencerId id,
                                  Counts counts) {
  const Pen end = Pen(buffer.data())
                      .text(R"({"pk":)")
                      .number(number_of(id))
                      .text(R"(,"username":"influencer-)")
                      .number(number_of(id))
                      .text(R"(","followerCount":)")
                      .number(static_cast<std::uint64_t>(counts.followers))
                      .text(R"(,"followingCount":)")
                      .number(static_cast<std::uint64_t>(counts.following))
                      .text("}");
  return {buffer.data(), static_cast<std::size_t>(end.at() - buffer.data())};
}

std::string etag_of(std::string_view body) {
  std::array<char, 64> buffer;
  const auto end = Pen(buffer.data()).etag(body).at();
  return {buffer.data(), end};
}

constexpr std::array<std::pair<int, std::string_view>, 12> kReasons = {
    {{200, "OK"},
     {302, "Found"},
     {304, "Not Modified"},
     {400, "Bad Request"},
     {404, "Not Found"},
     {408, "Request Timeout"},
     {413, "Payload Too Large"},
     {417, "Expectation Failed"},
     {429, "Too Many Requests"},
     {431, "Request Header Fields Too Large"},
     {500, "Internal Server Error"},
     {503, "Service Unavailable"}}};

}  // namespace

std::string_view reason_of(int status) {
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "Unknown";
}

std::string influencer_json(InfluencerId id, Counts counts) {
  std::array<char, kInfluencerJsonMax> buffer;
  return std::string(write_influencer(buffer, id, counts));
}

void append_page(std::string& out, const Page& page, PageForm form, const ReplyFrame& frame) {
  const bool no_body = page.status == 304;
  auto to = std::back_inserter(out);
  fmt::format_to(to, FMT_COMPILE("HTTP/1.1 {} {}\r\nX-Powered-By: Express\r\n{}"), page.status,
                 reason_of(page.status), page.extra_headers);
  if (!no_body) {
    fmt::format_to(to, FMT_COMPILE("Content-Type: {}\r\nContent-Length: {}\r\n"), page.content_type,
                   page.body.size());
  }
  if (page.has_etag) fmt::format_to(to, FMT_COMPILE("ETag: {}\r\n"), etag_of(page.body));
  fmt::format_to(to, FMT_COMPILE("Date: {}{}"), frame.date,
                 form.keep_alive ? std::string_view(frame.keep_alive)
                                 : std::string_view("\r\nConnection: close\r\n\r\n"));
  if (!form.head && !no_body) out += page.body;
}

void append_influencer(std::string& out, InfluencerId id, Counts counts, const ReplyFrame& frame) {
  std::array<char, kInfluencerJsonMax> json;
  const auto body = write_influencer(json, id, counts);
  std::array<char, 768> buffer;
  const Pen end = Pen(buffer.data())
                      .text(kInfluencerHead)
                      .number(body.size())
                      .text("\r\nETag: ")
                      .etag(body)
                      .text("\r\nDate: ")
                      .text(frame.date)
                      .text(frame.keep_alive)
                      .text(body);
  out.append(buffer.data(), end.at());
}

}  // namespace ia
