#include "app/process/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/byte_order_mark.h"

namespace ia {
namespace {

constexpr std::size_t kBytesMax = std::size_t{1} << 30;
constexpr std::size_t kStep = std::size_t{1} << 16;

std::unexpected<Error> unreadable(int error) {
  return fail(Errc::kNotFound, std::string("cannot be read: ") + std::strerror(error));
}

Result<std::string> read_all(int descriptor) {
  std::string text;
  for (;;) {
    const auto size = text.size();
    if (size > kBytesMax) return fail(Errc::kInvalid, "is longer than 1 GiB");
    text.resize(size + kStep);
    const auto count = read(descriptor, text.data() + size, kStep);
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) return unreadable(errno);
  }
}

// By its byte order mark, or by the zeros beside its first character.
bool is_utf16(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return true;
  return text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');
}

Result<std::string> decoded(std::string text) {
  if (is_utf16(text)) return fail(Errc::kInvalid, "is text in UTF-16: save it as UTF-8");
  if (has_byte_order_mark(text)) text.erase(0, kByteOrderMark.size());
  return text;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return unreadable(errno);
  auto text = read_all(descriptor);
  close(descriptor);
  if (!text) return text;
  return decoded(*std::move(text));
}

}  // namespace ia
