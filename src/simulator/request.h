#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ia {

struct Request {
  std::string method{};  // "GET"
  std::string target{};  // as sent: path and query
  std::string content_type{};
  std::string body{};
  bool keep_alive = true;
  bool has_body = false;            // announced, even when empty
  bool expects_continue = false;    // and was not told before
  bool expects_unknown = false;     // Expect: something else than 100-continue
  bool accepts_any_etag = false;    // If-None-Match: *
  std::string_view headers_seen{};  // see RequestReader::read
};

// Reads HTTP/1.x requests out of a stream of bytes. One request at a time, one thread.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    kPartial,   // not whole yet
    kContinue,  // as kPartial, and the client waits for "100 Continue": said once a request
    kWhole,
    kBad,             // not HTTP, or HTTP that Node's server refuses: 400 and close
    kHeaderTooLarge,  // more than 16 KiB: 431 and close
    kBodyTooLarge,    // more than 1 MiB: 413 and close
  };

  RequestReader();
  ~RequestReader();

  // Takes `taken` bytes from the front of `bytes`; give it the others again, with more behind.
  // After kWhole, `request` is the request, until the next call, which begins the next one.
  // Its headers_seen are the header lines up to and with the empty line when the request is a
  // plain GET and stood whole in `bytes`, into which they point: for match_plain_get.
  State read(std::string_view bytes, std::size_t& taken);
  const Request& request() const;
  // Whether a part of a request was taken.
  bool in_request() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct PlainGet {
  std::uint64_t pk;
  std::size_t size;  // bytes of the request
};

// The fast way to read what a fetcher sends all day: GET /api/v1/influencers/<digits> with header
// lines that are byte for byte those of an earlier request, which RequestReader has understood.
// Nothing: use RequestReader. 15 ns.
std::optional<PlainGet> match_plain_get(std::string_view bytes, std::string_view known_headers);

}  // namespace ia
