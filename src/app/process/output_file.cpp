#include "app/process/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "base/printable.h"

namespace ia {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel
// Opened anew, a file that the shell appends to would be cut.
constexpr std::array<std::string_view, 4> kStandardOutput = {"-", "/dev/stdout", "/dev/fd/1",
                                                             "/proc/self/fd/1"};
constexpr int kTriesMax = 100;
constexpr mode_t kModeBits = 0777;

std::unexpected<Error> cannot_write(const std::string& name, int error) {
  return fail(Errc::kUnavailable,
              fmt::format("cannot write {}: {}", printable(name), std::strerror(error)));
}

int leave_open(std::FILE*) { return 0; }

std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream_of(int descriptor) {
  return {fdopen(descriptor, "wb"), &std::fclose};
}

// What a chain of links ends at, which need not exist; none where it goes through /proc, whose
// links are open files and not names.
std::optional<fs::path> end_of_links(fs::path path) {
  for (int i = 0; i < kLinksMax; ++i) {
    std::error_code no_link;
    const auto parent = fs::canonical(fs::absolute(path, no_link).parent_path(), no_link);
    if (parent.string().starts_with("/proc/")) return std::nullopt;
    const auto next = fs::read_symlink(path, no_link);
    if (no_link) return path;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return path;
}

fs::path draft_name(const fs::path& target) {
  std::random_device random;
  return target.parent_path() / fmt::format(".influencer-analytics-{:08x}.part", random());
}

// A new file beside `target`, or -1 with errno.
int make_draft(const fs::path& target, mode_t mode, fs::path& draft) {
  for (int i = 0; i < kTriesMax; ++i) {
    draft = draft_name(target);
    const int made = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (made >= 0 || errno != EEXIST) return made;
  }
  return -1;
}

bool takes_after(int descriptor, const struct stat& replaced) {
  struct stat own{};
  if (fstat(descriptor, &own) != 0) return false;
  const bool is_owners = own.st_uid == replaced.st_uid && own.st_gid == replaced.st_gid;
  if (!is_owners && fchown(descriptor, replaced.st_uid, replaced.st_gid) != 0) return false;
  return fchmod(descriptor, replaced.st_mode & kModeBits) == 0;
}

}  // namespace

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (std::ranges::find(kStandardOutput, path) != kStandardOutput.end()) {
    return OutputFile("standard output", Stream(stdout, &leave_open));
  }
  struct stat there{};
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if (!exists && errno != ENOENT) return cannot_write(path, errno);
  if (exists && S_ISDIR(there.st_mode)) {
    return fail(Errc::kInvalid,
                fmt::format("cannot write {}: it is a directory; name a file", printable(path)));
  }
  const auto target = end_of_links(path);
  if (!target || (exists && !S_ISREG(there.st_mode))) return into(path, path, true);
  if (!exists) {
    auto made = beside(path, *target, nullptr);
    return made ? Result<OutputFile>(std::move(*made)) : cannot_write(path, errno);
  }
  if (auto writable = into(path, path, false); !writable) return writable;
  if (there.st_nlink == 1) {
    if (auto made = beside(path, *target, &there)) return std::move(*made);
  }
  return into(path, path, true);
}

Result<OutputFile> OutputFile::into(const std::string& name, const fs::path& target,
                                    bool truncates) {
  const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | (truncates ? O_TRUNC : 0);
  const int descriptor = ::open(target.c_str(), flags);
  if (descriptor < 0) return cannot_write(name, errno);
  return OutputFile(name, stream_of(descriptor));
}

// None with errno when there can be no such file.
std::optional<OutputFile> OutputFile::beside(const std::string& name, const fs::path& target,
                                             const struct stat* replaced) {
  fs::path draft;
  const int descriptor = make_draft(target, replaced == nullptr ? 0666 : 0600, draft);
  if (descriptor < 0) return std::nullopt;
  OutputFile file(name, stream_of(descriptor));
  file.target_ = target;
  file.draft_.emplace(std::move(draft));
  if (replaced != nullptr && !takes_after(descriptor, *replaced)) return std::nullopt;
  return file;
}

Status OutputFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stream_.get()) == text.size()) return {};
  return cannot_write(name_, errno);
}

Status OutputFile::finish() {
  if (std::fflush(stream_.get()) != 0) return cannot_write(name_, errno);
  return draft_ ? publish() : Status{};
}

Status OutputFile::publish() {
  if (fsync(fileno(stream_.get())) != 0) return cannot_write(name_, errno);
  const auto error = draft_->publish(target_);
  if (!error) return {};
  // A file may be writable that cannot be replaced: in a directory of another owner that is
  // sticky, or mounted by itself.
  std::error_code missing;
  return fs::exists(target_, missing) ? copy_into_place() : cannot_write(name_, error.value());
}

Status OutputFile::copy_into_place() {
  auto place = into(name_, target_, true);
  if (!place) return std::unexpected(place.error());
  std::array<char, 1 << 16> buffer;
  off_t at = 0;
  while (true) {
    const auto count = pread(fileno(stream_.get()), buffer.data(), buffer.size(), at);
    if (count < 0) return cannot_write(name_, errno);
    if (count == 0) return place->finish();
    at += count;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
    if (auto done = place->write(piece); !done) return done;
  }
}

}  // namespace ia
