#include "http/gzip.h"

#include <zlib.h>

#include <utility>

namespace ia {
namespace {

// A day of one influencer: level 1 takes 0.32 ms to 21.5 KB, level 6 takes 1.45 ms to 19.8 KB.
constexpr int kLevel = 1;
constexpr int kGzipFormat = 15 + 16;
constexpr int kMemoryLevel = 8;

}  // namespace

struct Gzip::State {
  z_stream stream{};
  bool is_ready = false;
};

Gzip::Gzip() : state_(std::make_unique<State>()) {}

Gzip::~Gzip() {
  if (state_->is_ready) deflateEnd(&state_->stream);
}

bool Gzip::compress(std::string_view body, std::string& out) {
  auto& stream = state_->stream;
  const int begun = state_->is_ready ? deflateReset(&stream)
                                     : deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipFormat,
                                                    kMemoryLevel, Z_DEFAULT_STRATEGY);
  if (begun != Z_OK) return false;
  state_->is_ready = true;
  const auto bound = deflateBound(&stream, body.size());
  int ended = Z_OK;
  out.clear();
  out.resize_and_overwrite(bound, [&](char* to, std::size_t size) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(to);
    stream.avail_out = static_cast<uInt>(size);
    ended = deflate(&stream, Z_FINISH);
    return size - stream.avail_out;
  });
  return ended == Z_STREAM_END;
}

void compress(Gzip& gzip, HttpResponse& response) {
  if (response.is_gzip || response.body.size() <= kGzipBytesMin) return;
  std::string compressed;
  if (!gzip.compress(response.body, compressed)) return;
  response.body = std::move(compressed);
  response.is_gzip = true;
}

}  // namespace ia
