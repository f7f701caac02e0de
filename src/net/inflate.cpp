#include "net/inflate.h"

#include <zlib.h>

#include <array>

namespace ia {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipWrapper = kWindowBits + 16;
constexpr int kNoWrapper = -kWindowBits;
constexpr std::size_t kPieceBytes = 8 * 1024;  // most replies fit into one

bool has_zlib_wrapper(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const auto method = static_cast<unsigned char>(bytes[0]);
  const auto flags = static_cast<unsigned char>(bytes[1]);
  return (method & 0x0f) == Z_DEFLATED && (method * 256 + flags) % 31 == 0;
}

int window_bits(Coding coding, std::string_view bytes) {
  if (coding == Coding::kGzip) return kGzipWrapper;
  return has_zlib_wrapper(bytes) ? kWindowBits : kNoWrapper;
}

class Stream {
 public:
  Stream(int bits, std::string_view bytes) : is_open_(inflateInit2(&stream_, bits) == Z_OK) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  ~Stream() {
    if (is_open_) inflateEnd(&stream_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool has_more() const { return stream_.avail_in > 0; }
  bool begin_next() { return inflateReset(&stream_) == Z_OK; }
  // Up to the end of a member.
  bool append_member(std::size_t bytes_max, std::string& out) {
    std::array<char, kPieceBytes> piece;
    for (int code = Z_BUF_ERROR; is_open_ && code != Z_STREAM_END;) {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = kPieceBytes;
      code = inflate(&stream_, Z_FINISH);
      out.append(piece.data(), kPieceBytes - stream_.avail_out);
      const bool goes_on = code == Z_BUF_ERROR && stream_.avail_out == 0;
      if ((code != Z_STREAM_END && !goes_on) || out.size() > bytes_max) return false;
    }
    return is_open_;
  }

 private:
  z_stream stream_{};
  bool is_open_;
};

}  // namespace

bool decode(Coding coding, std::string_view bytes, std::size_t bytes_max, std::string& out) {
  out.clear();
  Stream stream(window_bits(coding, bytes), bytes);
  if (!stream.append_member(bytes_max, out)) return false;
  while (coding == Coding::kGzip && stream.has_more()) {
    if (!stream.begin_next() || !stream.append_member(bytes_max, out)) return false;
  }
  return !stream.has_more();
}

}  // namespace ia
