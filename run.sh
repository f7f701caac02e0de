#!/usr/bin/env bash
# Installs what is missing, builds, and starts the demo with the given options. Works from any
# directory; the second time it starts within seconds. ./run.sh --help lists the options.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
build=$root/build/release
# shellcheck source=scripts/packages.sh
source "$root/scripts/packages.sh"

install_missing "to build the program" "${program_packages[@]}"

if [[ ! -f $build/build.ninja ]]; then
  say "configuring the release build in build/release"
  (cd -- "$root" && cmake --preset release -DIA_BUILD_TESTS=OFF) >&2 ||
    die "the build could not be configured: see above." \
      "After mending it, or to start afresh: rm -r '$build'"
fi

if [[ ! -x $build/influencer-analytics ]]; then
  say "building for the first time: about $(build_minutes 6) minutes with $(build_jobs) compilers"
fi
(cd -- "$root" && NINJA_STATUS='[%p, %e s] ' \
  cmake --build --preset release --target influencer-analytics -j "$(build_jobs)") >&2 ||
  die "the build failed: see above." "Run $0 again to go on; to start afresh: rm -r '$build'"

exec "$build/influencer-analytics" demo "$@"
