#!/usr/bin/env bash
# Installs what the tests need, builds and runs them: ./test.sh [dev|release|asan|tsan|fuzz|all]...
# Several presets run one after the other, also behind one that failed; the last lines sum up.
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

# What the failed tests of a preset said last: of a long run, only the end may be at hand.
show_failed_tests() {
  local logs=build/$1/Testing/Temporary
  [[ -s $logs/LastTestsFailed.log ]] || return 0
  awk -v most=40 '
    FNR == NR { failed[substr($0, index($0, ":") + 1)]; next }
    !inside && / Testing: / { name = $0; sub(/^[^:]*: /, "", name); n = 0 }
    /^<end of output>$/ {
      inside = 0
      if (name in failed) {
        printf "\n%s failed:\n", name
        for (i = n > most ? n - most : 0; i < n; i++) print "  " said[i]
      }
    }
    inside { said[n++] = $0 }
    /^Output:$/ { inside = 1 }
  ' "$logs/LastTestsFailed.log" "$logs/LastTest.log"
}

build_and_test() {
  local preset=$1 wrapper=()
  # The thread sanitizer of g++ 12 does not know the address layouts of newer kernels.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    wrapper=(setarch "$(uname -m)" -R)
  fi
  say "$preset: configuring"
  cmake --preset "$preset" || return
  say "$preset: building"
  "${wrapper[@]}" cmake --build --preset "$preset" -j "$(build_jobs)" || return
  say "$preset: testing"
  "${wrapper[@]}" ctest --preset "$preset" && return
  show_failed_tests "$preset" >>"$failures"
  # More tests run at once than there are cores, and the cores may be shared: what only fails then
  # is told, and does not count. What a sanitizer found does.
  ! grep -qE 'Sanitizer:|runtime error:' "$failures" || return
  say "$preset: what failed, once more and alone"
  "${wrapper[@]}" ctest --preset "$preset" --rerun-failed -j 1
}

presets=()
parse_presets "$@"
packages=("${program_packages[@]}" "${test_packages[@]}")
[[ " ${presets[*]} " != *" fuzz "* ]] || packages+=("${fuzz_packages[@]}")
install_missing "to build and run the tests" "${packages[@]}"

failures=$(mktemp)
trap 'rm -f -- "$failures"' EXIT
summary=() failed=0
for preset in "${presets[@]}"; do
  begin=$SECONDS
  rm -f "build/$preset/Testing/Temporary/LastTestsFailed.log"
  told=$(stat -c %s -- "$failures")
  if build_and_test "$preset"; then
    (($(stat -c %s -- "$failures") == told)) && again="" || again=", what failed above passed alone"
    summary+=("$preset: passed in $((SECONDS - begin)) s$again")
  else
    summary+=("$preset: FAILED after $((SECONDS - begin)) s")
    failed=1
  fi
done

cat -- "$failures"
echo
printf '%s\n' "${summary[@]}"
exit "$failed"
