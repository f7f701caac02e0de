# Debian packages, for the scripts that source this. It is the only place that names or installs
# them; cmake/dependencies.cmake says which library needs which.
# shellcheck shell=bash disable=SC2034

program_packages=(
  g++ cmake ninja-build
  libboost1.81-dev libssl-dev zlib1g-dev libsqlite3-dev libpq-dev libsimdjson-dev libfmt-dev
  libspdlog-dev prometheus-cpp-dev libtomlplusplus-dev libcurl4-openssl-dev
)
# Node.js may also come from elsewhere.
command -v node >/dev/null || program_packages+=(nodejs)
command -v npm >/dev/null || program_packages+=(npm)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev postgresql-15 python3 curl wrk chromium)
fuzz_packages=(clang-19 libclang-rt-19-dev)

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($#)); then printf '       %s\n' "$@" >&2; fi
  exit 1
}

# Prints those of its arguments that are not installed.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' -- "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "$package installed" <<<"$installed" || printf '%s\n' "$package"
  done
}

# Runs a command as root, by sudo when we are not.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif [[ -t 0 ]]; then
    sudo -- "$@"
  else
    sudo -n -- "$@"
  fi
}

# install_missing "what for" PACKAGE...: does nothing, and needs no network, when all are there.
install_missing() {
  local purpose=$1 missing
  shift
  if ! command -v dpkg-query apt-get >/dev/null; then
    say "this is no Debian system: install what is like these by hand, $purpose: $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  local by_hand="apt-get install ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "packages are missing, and there is no sudo." "As root: $by_hand"
  fi
  say "installing ${#missing[@]} Debian packages $purpose: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >&2 ||
    die "apt-get update failed." "Is there a network? By hand, as root: $by_hand"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >&2 ||
    die "apt-get install failed." \
      "These are packages of Debian 12 (bookworm); other releases may name them otherwise." \
      "By hand, as root: $by_hand"
}

# How many compilers fit: one a core, and some 1.5 GiB of memory each.
build_jobs() {
  local cores kib fit
  cores=$(nproc)
  kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  fit=$((kib / (1536 * 1024)))
  ((fit >= 1)) || fit=1
  echo $((fit < cores ? fit : cores))
}
