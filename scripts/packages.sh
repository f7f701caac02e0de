# Debian packages, for the scripts that source this. It is the only place that names or installs
# them; cmake/dependencies.cmake says which library needs which.
# shellcheck shell=bash disable=SC2034

# Where a name carries a version, NAME*REST>=LEAST stands for the newest that the release offers.
# A ? at the end: without it, tests are skipped.
program_packages=(
  g++ cmake ninja-build
  'libboost1.*-dev>=81' libssl-dev zlib1g-dev libsqlite3-dev libpq-dev libsimdjson-dev libfmt-dev
  libspdlog-dev prometheus-cpp-dev libtomlplusplus-dev libcurl4-openssl-dev
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev python3 'python3-venv?' 'python3-yaml?' git curl
  ca-certificates 'postgresql-*>=15?' 'wrk?' 'chromium?' 'nginx?' 'openssl?' 'prometheus?'
  'valgrind?'
)
fuzz_packages=('clang-*>=19' 'libclang-rt-*-dev>=19')
# cpack asks dpkg-shlibdeps for the packages of libraries, and `file` what is a program.
package_packages=(dpkg-dev file)
# These may also come from elsewhere.
command -v node >/dev/null || test_packages+=('nodejs?')
command -v npm >/dev/null || test_packages+=('npm?')
command -v java >/dev/null || test_packages+=('default-jre-headless?')
command -v mvn >/dev/null || test_packages+=('maven?')

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($#)); then printf '       %s\n' "$@" >&2; fi
  exit 1
}

# newest PATTERN: of the names on standard input, the one that fits with the highest version.
newest() {
  local pattern=${1%\?} least=0 front back name version best='' best_version=-1
  [[ $pattern != *'>='* ]] || { least=${pattern##*>=} pattern=${pattern%%>=*}; }
  front=${pattern%%\**} back=${pattern#*\*}
  while read -r name; do
    if [[ $pattern != *'*'* ]]; then
      [[ $name != "$pattern" ]] || best=$name
      continue
    fi
    [[ $name == "$front"*"$back" ]] || continue
    version=${name#"$front"} version=${version%"$back"}
    [[ $version =~ ^[0-9]+$ ]] || continue
    if ((version >= least && version > best_version)); then best=$name best_version=$version; fi
  done
  [[ -z $best ]] || printf '%s\n' "$best"
}

installed_packages() {
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p'
}

# Prints those of its arguments that are not installed.
missing_packages() {
  local installed package
  installed=$(installed_packages)
  for package in "$@"; do
    [[ -n $(newest "$package" <<<"$installed") ]] || printf '%s\n' "$package"
  done
}

# What the release offers for each of its arguments; what it does not offer is named and left out
# where it ends with ?, and ends the script elsewhere.
offered_packages() {
  local offered package name
  offered=$(apt-cache search --names-only '.*' | cut -d' ' -f1)
  for package in "$@"; do
    name=$(newest "$package" <<<"$offered")
    if [[ -n $name ]]; then
      printf '%s\n' "$name"
    elif [[ $package == *\? ]]; then
      say "this release does not offer ${package%\?}: tests that need it will be skipped"
    else
      die "the package lists do not name $package." \
        "Debian 12 and 13 have it. On one of them the lists could not be read: is there a network?" \
        "Behind a proxy: export http_proxy=http://HOST:PORT https_proxy=http://HOST:PORT, and again."
    fi
  done
}

# Runs a command as root, by sudo when we are not. A proxy goes with it, which sudo would drop.
as_root() {
  local proxies=() name
  for name in http_proxy https_proxy no_proxy; do
    [[ -z ${!name:-} ]] || proxies+=("$name=${!name}")
  done
  if ((EUID == 0)); then
    env "${proxies[@]}" "$@"
  else
    sudo "${sudo_options[@]}" -- env "${proxies[@]}" "$@"
  fi
}

# Whether we may act as root; asks for the password where somebody can type one.
sudo_options=(-n)
may_be_root() {
  ((EUID == 0)) && return
  command -v sudo >/dev/null || return
  sudo -n true 2>/dev/null && return
  [[ -t 0 ]] || return
  sudo_options=()
  sudo true
}

# by_hand COMMAND PACKAGE...: lines that tell which packages root has to install, and then.
by_hand() {
  printf '%s\n' "apt-get update && apt-get install -y --no-install-recommends ${*:2}" \
    "Then run $1 again: it goes on from there."
}

# install_missing "what for" PACKAGE...: does nothing, and needs no network, when all are there.
install_missing() {
  local purpose=$1 missing names known advice size
  shift
  if ! command -v dpkg-query apt-get >/dev/null; then
    say "this is no Debian system: install what is like these by hand, $purpose: $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  # The lists may be old or not there yet: names that they do not have stay patterns.
  mapfile -t known < <(offered_packages "${missing[@]/%/?}" 2>/dev/null)
  ((${#known[@]} == ${#missing[@]})) || known=("${missing[@]%%>=*}")
  mapfile -t advice < <(by_hand "$0" "${known[@]%\?}")
  if ! may_be_root; then
    die "${#missing[@]} Debian packages are missing $purpose, and installing them takes root." \
      "$(command -v sudo >/dev/null && echo "sudo refused." || echo "There is no sudo.") As root:" \
      "${advice[@]}"
  fi
  say "reading the package lists"
  as_root apt-get update -q -o DPkg::Lock::Timeout=120 </dev/null >&2 ||
    die "apt-get update failed, see above: is there a network?" \
      "Behind a proxy: export http_proxy=http://HOST:PORT https_proxy=http://HOST:PORT, and again." \
      "By hand, as root:" "${advice[@]}"
  names=$(offered_packages "${missing[@]}") || exit
  mapfile -t names <<<"$names"
  [[ -n ${names[0]} ]] || return 0
  mapfile -t advice < <(by_hand "$0" "${names[@]}")
  size=$(apt-get install --print-uris -y -q --no-install-recommends "${names[@]}" 2>/dev/null |
    awk "/^'/ {bytes += \$3; n++} END {printf \"%d packages, %d MB to download\", n, bytes / 1e6}") ||
    size="${#names[@]} packages and what they need"
  say "installing $size, $purpose: ${names[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "${names[@]}" </dev/null >&2 ||
    die "apt-get install failed, see above." \
      "Run $0 again to go on from there, after dpkg --configure -a where it was interrupted." \
      "By hand, as root:" "${advice[@]}"
}

# How many compilers fit: one per core, and some 1.5 GiB of memory each.
build_jobs() {
  local cores kib fit
  cores=$(nproc)
  kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  fit=$((kib / (1536 * 1024)))
  ((fit >= 1)) || fit=1
  echo $((fit < cores ? fit : cores))
}

# build_minutes CPU_MINUTES: how long a build takes that costs so many minutes of one core.
build_minutes() {
  local jobs
  jobs=$(build_jobs)
  echo $((($1 + jobs - 1) / jobs))
}
