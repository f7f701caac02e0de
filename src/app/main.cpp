#include <malloc.h>

#include <exception>
#include <string>

#include "app/commands/commands.h"
#include "app/config/cli.h"
#include "app/process/console.h"

extern char** environ;

namespace {

// Left to itself, glibc puts columns of all influencers among small blocks, from where they never
// go back to the system, and keeps such a heap for each thread. A tenth of the memory at a million
// influencers.
void bound_the_heaps() {
#ifdef __GLIBC__
  constexpr int kOwnPagesFrom = 1 << 20;
  constexpr int kHeapsMax = 4;
  mallopt(M_MMAP_THRESHOLD, kOwnPagesFrom);
  mallopt(M_ARENA_MAX, kHeapsMax);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  bound_the_heaps();
  ia::open_standard_streams();
  const auto arguments = ia::strings_of(argc > 0 ? argv + 1 : argv);
  try {
    const auto invocation = ia::parse_command_line(arguments, ia::strings_of(environ));
    return invocation ? ia::run_command(*invocation) : ia::leave(invocation.error());
  } catch (const std::exception& unforeseen) {
    return ia::leave({.code = ia::kExitFailure,
                      .errors = std::string("influencer-analytics: ") + unforeseen.what() + "\n"});
  }
}
