#include <exception>
#include <string>

#include "app/cli.h"
#include "app/commands.h"
#include "app/console.h"

extern char** environ;

int main(int argc, char** argv) {
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
