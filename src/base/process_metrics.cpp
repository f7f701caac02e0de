#include "base/process_metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

namespace ia {
namespace {

std::string content_of(const char* file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void append(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            double value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type,
                 help, value);
}

// proc(5) counts the fields from 1; the second one, in parentheses, may hold blanks.
std::vector<double> stat_fields() {
  const auto text = content_of("/proc/self/stat");
  const auto name_end = text.rfind(')');
  std::vector<double> fields;
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  rest >> state;
  fields.resize(3);
  for (double value = 0; rest >> value;) fields.push_back(value);
  return fields;
}

// When the machine booted, in epoch seconds.
std::optional<double> boot_time() {
  constexpr std::string_view kKey = "\nbtime ";
  const auto text = content_of("/proc/stat");
  const auto at = text.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + kKey.size(), 20));
}

void append_times_and_memory(std::string& out) {
  const auto fields = stat_fields();
  if (fields.size() < 24) return;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  append(out, "process_cpu_seconds_total", "counter", "User and system CPU time.",
         (fields[13] + fields[14]) / ticks);
  append(out, "process_virtual_memory_bytes", "gauge", "Size of the virtual memory.", fields[22]);
  append(out, "process_resident_memory_bytes", "gauge", "Size of the resident memory.",
         fields[23] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  if (const auto boot = boot_time()) {
    append(out, "process_start_time_seconds", "gauge", "Start of the process, since the epoch.",
           *boot + fields[21] / ticks);
  }
}

void append_file_descriptors(std::string& out) {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    append(out, "process_open_fds", "gauge", "Open file descriptors.",
           static_cast<double>(std::distance(begin(open), end(open))));
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    append(out, "process_max_fds", "gauge", "Limit of open file descriptors.",
           static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace

std::string process_metrics_text() {
  std::string out;
  append_times_and_memory(out);
  append_file_descriptors(out);
  return out;
}

}  // namespace ia
