#pragma once

// What the benches measure with: CPU, and how fast the machine is in this hour. Everything here is
// of the calling process or thread.
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

namespace ia::bench {

inline double cpu_seconds(clockid_t of) {
  timespec now{};
  clock_gettime(of, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
inline double thread_cpu_seconds() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }
inline double process_cpu_seconds() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID); }

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// For how long the calling thread was ready to run and others had the cores, ever.
inline double queued_seconds() {
  std::ifstream in("/proc/thread-self/schedstat");
  double ran = 0;
  double queued = 0;
  in >> ran >> queued;
  return queued / 1e9;
}

// CPU milliseconds of a fixed piece of work: arithmetic, and reads all over 32 MB. Absolute figures
// of two runs can be compared where this one is the same.
inline double calibration_ms() {
  std::vector<std::uint64_t> table(std::size_t{1} << 22);
  const auto start = thread_cpu_seconds();
  std::uint64_t bits = 1;
  for (std::size_t i = 0; i < 8 * table.size(); ++i) {
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u + i;
    table[bits >> 42] += bits ^ table[i % table.size()];
  }
  const volatile auto kept = table[bits >> 42];
  (void)kept;
  return (thread_cpu_seconds() - start) * 1e3;
}

// How many bytes of a file are in the page cache.
inline std::size_t cached_bytes(int file, std::size_t size) {
  if (size == 0) return 0;
  void* at = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) return 0;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((size + page - 1) / page);
  std::size_t pages = 0;
  if (mincore(at, size, resident.data()) == 0) {
    for (const auto each : resident) pages += each & 1;
  }
  munmap(at, size);
  return pages * page;
}

// Makes the next reads come from the disk: writes what is dirty of each file of a directory, then
// has the system forget its pages. Returns how many bytes it kept nevertheless.
inline std::size_t forget_pages(const std::filesystem::path& directory) {
  std::size_t kept = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    (void)fdatasync(file);
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    kept += cached_bytes(file, static_cast<std::size_t>(entry.file_size()));
    ::close(file);
  }
  return kept;
}

}  // namespace ia::bench
