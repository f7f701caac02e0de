#!/usr/bin/env bash
# Prints the Debian packages of the shared libraries that a program needs to run, one per line.
# usage: runtime_packages.sh PROGRAM
set -euo pipefail

# dpkg knows a library under the path in its package, which on a system with a merged /usr may
# lack the /usr that the loader sees.
package_of() {
  local path found
  for path in "$1" "${1#/usr}" "/usr$1"; do
    if found=$(dpkg-query -S "$path" 2>/dev/null | grep -v '^diversion by'); then
      echo "${found%%:*}"
      return
    fi
  done
  echo "error: no package has $1, which the program is linked with" >&2
  return 1
}

libraries=$(LC_ALL=C ldd -- "$1")
if grep 'not found' <<<"$libraries" >&2; then
  echo "error: libraries of $1 are missing: see above" >&2
  exit 1
fi
linked=$(awk '$3 ~ /^\// {print $3}' <<<"$libraries")
[[ -n $linked ]] || { echo "error: $1 is not linked with anything" >&2; exit 1; }
packages=()
while read -r library; do
  packages+=("$(package_of "$(realpath -- "$library")")")
done <<<"$linked"
printf '%s\n' "${packages[@]}" | sort -u
