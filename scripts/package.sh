#!/usr/bin/env bash
# Builds the Debian package for the release that runs here: installs what that needs, builds the
# program, and prints the path of the package. Works from any directory.
set -euo pipefail
umask 022  # the folders of the package get it
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=packages.sh
source scripts/packages.sh

install_missing "to build the package" "${program_packages[@]}" "${package_packages[@]}"
{
  cmake --preset release -DIA_BUILD_TESTS=OFF
  cmake --build --preset release --target influencer-analytics -j "$(build_jobs)"
  rm -f build/release/*.deb
  (cd build/release && cpack -G DEB)
} >&2
ls "$PWD"/build/release/influencer-analytics_*.deb
