#!/usr/bin/env bash
# The image's first stage, as root on a Debian system: builds the program and leaves it, stripped,
# in build/image, beside the list of the packages that it needs to run.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/packages.sh
source scripts/packages.sh

install_missing "to build the program" "${program_packages[@]}"
cmake --preset release -DIA_BUILD_TESTS=OFF
cmake --build --preset release --target influencer-analytics -j "$(build_jobs)"

mkdir -p build/image
strip -o build/image/influencer-analytics build/release/influencer-analytics
deploy/image/runtime_packages.sh build/image/influencer-analytics >build/image/packages
cp deploy/image/install.sh build/image/
