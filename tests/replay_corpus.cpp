// Runs a fuzz target without libFuzzer, for compilers that have none:
//
//   target [--seconds N] [--seed N] FOLDER...
//
// over every file of the folders, and then for N seconds over changes of them, made without
// knowledge of the code. An input that ends the process is kept in TARGET.crash.

#include <errno.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
// Of the sanitizers, where there is one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr std::size_t kInputMax = 4096;

std::string g_input;

void keep_input() {
  const auto file = std::string(program_invocation_short_name) + ".crash";
  std::ofstream(file, std::ios::binary) << g_input;
  std::fprintf(stderr, "the input is in %s\n", file.c_str());
}

void run(std::string input) {
  g_input = std::move(input);
  g_input.reserve(1);  // nothing is somewhere too, as with libFuzzer
  (void)LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(g_input.data()),
                               g_input.size());
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string contents_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, std::uint64_t seed)
      : corpus_(corpus), random_(seed) {}

  std::string next() {
    auto text = any_input();
    for (auto changes = 1 + below(1 + below(8)); changes > 0; --changes) change(text);
    text.resize(std::min(text.size(), kInputMax));
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }
  const std::string& any_input() { return corpus_[below(corpus_.size())]; }
  char any_byte() { return static_cast<char>(random_()); }

  void change(std::string& text) {
    const auto at = below(text.size() + 1);
    const auto length = below(std::min<std::size_t>(text.size() - at, 32) + 1);
    switch (below(8)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < text.size()) text[at] = any_byte();
        break;
      case 2:
        text.insert(at, 1 + below(4), any_byte());
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(at, text.substr(at, length));
        break;
      case 5: {
        const auto& other = any_input();
        text = text.substr(0, at) + other.substr(below(other.size() + 1));
        break;
      }
      case 6:
        text.insert(at, kWords[below(std::size(kWords))]);
        break;
      default:
        replace_number(text, at);
    }
  }

  void replace_number(std::string& text, std::size_t at) {
    const auto begin = text.find_first_of("0123456789", at);
    if (begin == std::string::npos) return;
    const auto end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    text.replace(begin, end - begin, kNumbers[below(std::size(kNumbers))]);
  }

  static constexpr const char* kNumbers[] = {
      "0",          "1",          "255",        "65536",      "2147483648",
      "4294967296", "9007199254740993", "9223372036854775807", "18446744073709551616",
      "1e308",      "1e999",      "0.1",        "00",         "99999999999999999999999"};
  static constexpr const char* kWords[] = {
      "-",  "\r\n", "\n", ":",    ",",    "\"",   "\\u0000", "\\ud800", "[", "]", "{", "}",
      "null", "true", "%00", "%",  "\xff", "\xc3", "\xf0\x9f\x98\x80", "=", "&", "(", ")", " "};

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

void mutate(const std::vector<std::string>& corpus, std::chrono::seconds time, std::uint64_t seed) {
  std::printf("--seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::signal(SIGABRT, [](int) { keep_input(); });
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
  Mutator mutator(corpus, seed);
  std::size_t count = 0;
  const auto end = std::chrono::steady_clock::now() + time;
  for (; std::chrono::steady_clock::now() < end; ++count) run(mutator.next());
  std::printf("%zu inputs made\n", count);
}

}  // namespace

int main(int argc, char** argv) {
  std::chrono::seconds time{0};
  std::uint64_t seed = std::random_device{}();
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    const auto is_option = [&](const char* name) {
      return std::strcmp(argv[i], name) == 0 && i + 1 < argc;
    };
    if (is_option("--seconds")) {
      time = std::chrono::seconds{std::atoll(argv[++i])};
    } else if (is_option("--seed")) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      for (const auto& file : files_in(argv[i])) {
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);  // so that a crash shows its input
        corpus.push_back(contents_of(file));
        run(corpus.back());
      }
    }
  }
  if (corpus.empty()) {
    std::fputs("there are no inputs\n", stderr);
    return 1;
  }
  if (time.count() > 0) mutate(corpus, time, seed);
  return 0;
}
