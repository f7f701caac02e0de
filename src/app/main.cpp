#include "app/cli.h"
#include "app/commands.h"

extern char** environ;

int main(int argc, char** argv) {
  const auto arguments = ia::strings_of(argc > 0 ? argv + 1 : argv);
  const auto invocation = ia::parse_command_line(arguments, ia::strings_of(environ));
  return invocation ? ia::run_command(*invocation) : ia::leave(invocation.error());
}
