#include "app/process/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "app/config/cli.h"
#include "app/process/text_file.h"

namespace ia {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".lock";
constexpr mode_t kMode = S_IRUSR | S_IWUSR;

fs::path path_of(const fs::path& dir, std::string_view stage) {
  return dir / fmt::format("{}{}", stage, kExtension);
}

LockHolder read_holder(int descriptor) {
  std::string text(4096, '\0');
  const auto count = pread(descriptor, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  LockHolder holder;
  const auto line_end = std::min(text.find('\n'), text.size());
  std::from_chars(text.data(), text.data() + line_end, holder.pid);
  if (line_end < text.size()) holder.command = text.substr(line_end + 1);
  if (holder.command.ends_with('\n')) holder.command.pop_back();
  return holder;
}

// This process's arguments without secrets, as the file can be read by others, cut to a length for
// messages.
std::string own_command() {
  constexpr std::size_t kMost = 200;
  std::vector<std::string> arguments;
  const auto ended_by_nul = read_text_file("/proc/self/cmdline").value_or("");
  for (std::size_t at = 0; at < ended_by_nul.size(); at += arguments.back().size() + 1) {
    arguments.emplace_back(ended_by_nul.c_str() + at);
  }
  auto command = shown_line(arguments);
  std::ranges::replace_if(command, [](unsigned char c) { return c < ' '; }, ' ');
  if (command.size() > kMost) command = command.substr(0, kMost) + "...";
  return command;
}

bool write_holder(int descriptor) {
  const auto text = fmt::format("{}\n{}\n", getpid(), own_command());
  return ftruncate(descriptor, 0) == 0 &&
         pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

// 0, or the errno.
int lock(int descriptor, int operation) {
  while (flock(descriptor, operation | LOCK_NB) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int lock_patiently(int descriptor) {
  int error = lock(descriptor, LOCK_EX);
  for (int attempt = 0; error == EWOULDBLOCK && attempt < 5; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    error = lock(descriptor, LOCK_EX);
  }
  return error;
}

std::unexpected<Error> in_use(const fs::path& dir, std::string_view stage,
                              const LockHolder& holder) {
  return fail(Errc::kUnavailable,
              fmt::format("data directory {} is in use: process {} ({}) runs \"{}\" on it. Stop "
                          "that one (kill {}), or choose another --data-dir",
                          dir.string(), holder.pid, holder.command, stage, holder.pid));
}

std::unexpected<Error> cannot(std::string_view what, const fs::path& path, int error) {
  return fail(Errc::kInvalid, fmt::format("cannot {} {}: {}. Choose a --data-dir that this user "
                                          "may write, on a local disk",
                                          what, path.string(), std::strerror(error)));
}

}  // namespace

Status make_data_directory(const fs::path& given) {
  const auto dir = given.has_filename() ? given : given.parent_path();  // "data/" is "data"
  std::error_code made;
  if (dir.has_parent_path()) fs::create_directories(dir.parent_path(), made);
  const bool is_new = !made && mkdir(dir.c_str(), S_IRWXU) == 0;
  if (!made && !is_new && errno != EEXIST) made = {errno, std::generic_category()};
  if (!made && !fs::is_directory(dir, made) && !made) made = {ENOTDIR, std::generic_category()};
  // Whatever the umask leaves of it.
  if (is_new && chmod(dir.c_str(), S_IRWXU) != 0) made = {errno, std::generic_category()};
  if (made) return cannot("make the directory", dir, made.value());
  return {};
}

Result<LockFile> LockFile::acquire(const fs::path& dir, std::string_view stage) {
  if (auto made = make_data_directory(dir); !made) return std::unexpected(made.error());
  const auto path = path_of(dir, stage);
  LockFile file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode));
  if (file.descriptor_ < 0) return cannot("open", path, errno);
  (void)fchmod(file.descriptor_, kMode);  // an earlier version made it 0644
  const int error = lock_patiently(file.descriptor_);
  if (error == EWOULDBLOCK) return in_use(dir, stage, read_holder(file.descriptor_));
  if (error != 0) return cannot("lock", path, error);
  if (!write_holder(file.descriptor_)) return cannot("write", path, errno);
  return file;
}

Result<LockFile> LockFile::acquire_first(const fs::path& dir, std::string_view stage) {
  const auto path = path_of(dir, stage);
  const auto draft = dir / fmt::format("{}.new", stage);
  LockFile file(open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (file.descriptor_ < 0) return cannot("open", draft, errno);
  if (const int error = lock(file.descriptor_, LOCK_EX); error != 0) {
    return cannot("lock", draft, error);
  }
  if (!write_holder(file.descriptor_)) return cannot("write", draft, errno);
  std::error_code error;
  fs::rename(draft, path, error);
  if (error) return cannot("write", path, error.value());
  return file;
}

std::optional<LockFile> LockFile::acquire_orphaned(const fs::path& dir, std::string_view stage) {
  LockFile file(open(path_of(dir, stage).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file.descriptor_ < 0 || lock(file.descriptor_, LOCK_EX) != 0) return std::nullopt;
  return file;
}

LockFile::~LockFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<LockHolder> holder_of(const fs::path& dir, std::string_view stage) {
  const int descriptor = open(path_of(dir, stage).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  std::optional<LockHolder> holder;
  if (lock(descriptor, LOCK_SH) == EWOULDBLOCK) holder = read_holder(descriptor);
  close(descriptor);
  return holder;
}

std::vector<HeldLock> held_locks(const fs::path& dir, std::string_view but) {
  std::vector<HeldLock> held;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (entry.path().extension() != kExtension) continue;
    const auto stage = entry.path().stem().string();
    if (stage == but) continue;
    if (auto holder = holder_of(dir, stage)) held.push_back({stage, *std::move(holder)});
  }
  std::ranges::sort(held, {}, &HeldLock::stage);
  return held;
}

}  // namespace ia
