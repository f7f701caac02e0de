#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace ia {

struct HttpReply {
  unsigned status = 0;
  std::string_view body;
  // The body is in a coding that is not known here, or damaged, or too large once decoded: these
  // are its bytes as they came.
  bool is_unreadable = false;
  bool keep_alive = true;        // the connection may be used again
  std::string_view retry_after;  // the header's value; empty: none
  std::string_view date = {};    // the same
};

// HTTP/1.x replies to GET, out of the bytes of a connection, however they are cut. What a reply
// means is decided here, by RFC 9112 and by no library, and follows from its bytes alone. A body
// with Content-Length is read in place; one in chunks, and one that ends with the connection, is
// gathered. Interim replies (1xx) are passed over, and gzip and deflate are undone. Heads of over
// 16 KiB and bodies of over 64 KiB are unsound.
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

 private:
  struct Gathered;
  struct Head;
  Result read_one(std::string_view bytes, std::size_t& used);
  Result read_body(std::string_view bytes, std::size_t& used);
  Result finish_body();
  void decode_body(const Head& head);

  HttpReply reply_;
  std::unique_ptr<Gathered> begun_;     // the body that is being gathered
  std::unique_ptr<Gathered> finished_;  // the last one: reply_ points into it
  std::string unfolded_;                // fields of reply_ that were folded
  std::string decoded_;                 // its body, if that came in a coding
};

}  // namespace ia
