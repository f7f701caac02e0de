# For scripts that try what is deployed on a machine with nothing on it. Source it, after
# scripts/packages.sh; needs root.
# shellcheck shell=bash

# make_bare_root DIR: a Debian of the release that runs here, from the same mirror, with nothing
# but the base system. DIR must not exist.
make_bare_root() {
  local root=$1 mirror release include=()
  install_missing "to make a bare root" debootstrap
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(mirror_of "$release")
  [[ $mirror != https:* ]] || include=(--include=ca-certificates)
  say "making a bare root of $release"
  debootstrap --variant=minbase "${include[@]}" "$release" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 -- "$root.log" >&2; die "debootstrap failed: see above."; }
  take_apt_settings "$root"
  rm -- "$root.log"
}

# The mirrors of updates too, proxies, certificates and the names of hosts: as here.
take_apt_settings() {
  local root=$1 file
  if [[ -f /etc/apt/sources.list.d/debian.sources ]]; then rm -f -- "$root/etc/apt/sources.list"; fi
  for file in /etc/hosts /etc/resolv.conf /etc/apt/sources.list \
    /etc/apt/sources.list.d/debian.sources; do
    [[ ! -f $file ]] || cp -L -- "$file" "$root$file"
  done
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' \
    >"$root/etc/apt/apt.conf.d/90host" || true
}

# Where apt gets the packages of a release from.
mirror_of() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME)' "Created-By: Packages" |
    awk -v release="$1" '$2 == release || $3 == release {found = found ? found : $1}
                         END {print found}'
}

# in_root DIR COMMAND...: runs it there, without what the environment says about this system. It
# and all that it started have ended when this returns.
in_root() {
  local root=$1
  shift
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" -- \
    env -u TMPDIR HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    chroot "$root" "$@"
}
