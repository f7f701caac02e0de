#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace ia {

struct HttpReply {
  unsigned status = 0;
  std::string_view body;
  bool is_compressed = false;    // then the body means nothing: nobody asked for it
  bool keep_alive = true;        // the connection may be used again
  std::string_view retry_after;  // the header's value; empty: none
};

// HTTP/1.1 replies to GET, out of the bytes of a connection, however they are cut. The common form
// (a status line, plain headers, Content-Length) is read in place; all else, chunked bodies and
// bodies that end with the connection included, is left to Beast's parser. The fuzzer holds the
// two to the same answers. Interim replies (1xx) are passed over. Headers of over 16 KiB and bodies
// of over 64 KiB are unsound.
class ReplyParser {
 public:
  enum class Result { kNeedMore, kReply, kUnsound };

  ReplyParser();
  ~ReplyParser();

  // Reads from the front of `bytes`; `used` of them are done with. After kNeedMore the rest is to
  // come again, with more behind it. After kReply, reply() is valid until the next call, and as
  // long as `bytes`.
  Result read(std::string_view bytes, std::size_t& used);
  // The connection has ended: kReply when that was the end of a body.
  Result end();
  const HttpReply& reply() const { return reply_; }
  // In the middle of a reply, apart from bytes that read did not use.
  bool has_begun() const;
  // For a new connection.
  void reset();
  // Leaves the common form to Beast too: for the fuzzer.
  void use_slow_path_only() { slow_only_ = true; }

 private:
  struct Slow;
  Result read_one(std::string_view bytes, std::size_t& used);
  Result read_fast(std::string_view bytes, std::size_t& used, bool& unusual);
  Result read_slow(std::string_view bytes, std::size_t& used);
  Result take_slow();

  HttpReply reply_;
  std::unique_ptr<Slow> slow_;      // of the reply that is being read
  std::unique_ptr<Slow> finished_;  // of the reply that was read: reply_ points into it
  bool slow_only_ = false;
};

}  // namespace ia
