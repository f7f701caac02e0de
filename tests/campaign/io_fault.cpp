// Preloaded: the IA_FAULT_AT-th call of write, pwrite64, fsync or fdatasync on a file below
// IA_FAULT_DIR fails with the errno IA_FAULT_ERRNO, once.
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> calls;

bool is_ours(int fd) {
  const char* directory = getenv("IA_FAULT_DIR");
  if (directory == nullptr) return false;
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return strncmp(path, directory, strlen(directory)) == 0;
}

bool fails(int fd) {
  const char* at = getenv("IA_FAULT_AT");
  if (at == nullptr || !is_ours(fd)) return false;
  if (++calls != std::atol(at)) return false;
  errno = atoi(getenv("IA_FAULT_ERRNO"));
  return true;
}

template <class Function>
Function* real_one(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  static auto* const real = real_one<ssize_t(int, const void*, size_t)>("write");
  return fails(fd) ? -1 : real(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static auto* const real = real_one<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return fails(fd) ? -1 : real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}

int fsync(int fd) {
  static auto* const real = real_one<int(int)>("fsync");
  return fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  static auto* const real = real_one<int(int)>("fdatasync");
  return fails(fd) ? -1 : real(fd);
}

}  // extern "C"
