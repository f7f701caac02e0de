#!/usr/bin/env bash
# Installs what the tests need, builds and runs them: ./test.sh [dev|release|asan|tsan|fuzz|all]...
# Several presets run one after the other, also after one that failed. The last lines sum up: what
# failed, what was skipped and why.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "$root"
# shellcheck source=scripts/packages.sh
source "$root/scripts/packages.sh"

usage() {
  echo "Usage: ./test.sh [dev|release|asan|tsan|fuzz|all]...   (dev when none is named)"
}

parse_presets() {
  local argument
  for argument in "$@"; do
    case $argument in
      dev | release | asan | tsan | fuzz) presets+=("$argument") ;;
      all) presets+=(dev asan tsan fuzz) ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        echo "unknown preset: $argument" >&2
        usage >&2
        exit 2
        ;;
    esac
  done
  ((${#presets[@]})) || presets=(dev)
}

# The tests' Node.js and its packages come first: where their registry cannot be reached, that is
# told before the build and not after it.
install_node_packages() {
  [[ $1 != fuzz ]] || return 0
  say "$1: installing the tests' packages from npm"
  python3 tests/node/install.py "build/$1/tests" && return
  (($? == 77)) && return
  die "the tests' packages could not be installed from npm, see above." \
    "Behind a proxy: npm config set proxy http://HOST:PORT, and https-proxy likewise." \
    "Where the company signs with its own certificate: export NODE_EXTRA_CA_CERTS=/path/ca.pem" \
    "Then run $0 again: it goes on from there."
}

build_and_test() {
  local preset=$1 wrapper=()
  # The thread sanitizer of g++ 12 does not know the address layouts of newer kernels.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    wrapper=(setarch "$(uname -m)" -R)
  fi
  say "$preset: configuring"
  cmake --preset "$preset" || return
  say "$preset: building, about $(build_minutes 20) minutes the first time"
  NINJA_STATUS='[%p, %e s] ' \
    "${wrapper[@]}" cmake --build --preset "$preset" -j "$(build_jobs)" || return
  say "$preset: testing"
  rm -f -- "build/$preset/tests.xml"
  "${wrapper[@]}" ctest --preset "$preset" --output-junit "$root/build/$preset/tests.xml"
}

presets=()
parse_presets "$@"
packages=("${program_packages[@]}" "${test_packages[@]}")
[[ " ${presets[*]} " != *" fuzz "* ]] || packages+=("${fuzz_packages[@]}")
install_missing "to build and run the tests" "${packages[@]}"

summary=() failed=0
for preset in "${presets[@]}"; do
  begin=$SECONDS
  install_node_packages "$preset"
  if build_and_test "$preset"; then outcome=passed; else outcome=FAILED failed=1; fi
  summary+=("$preset: $outcome after $((SECONDS - begin)) s")
done

for preset in "${presets[@]}"; do
  [[ ! -f build/$preset/tests.xml ]] || python3 tests/summary.py "build/$preset/tests.xml" "$preset"
done
printf '%s\n' "${summary[@]}"
exit "$failed"
