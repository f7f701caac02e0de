# Bare Debian systems in a folder, for the scripts that try what a stranger's machine would do.
# Source it after scripts/packages.sh; needs root.
# shellcheck shell=bash

# make_bare_root DIR [RELEASE]: a Debian of that release, or of the one that runs here, with nothing
# but debootstrap's minbase, and the mirror, proxy and certificates of this machine. DIR must not
# exist, or be empty.
make_bare_root() {
  local root=$1 release=${2:-} mirror include=()
  install_missing "to make a bare root" debootstrap
  [[ -n $release ]] || release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(mirror_of Debian)
  [[ -n $mirror ]] || die "apt's settings on this machine name no mirror of Debian." \
    "After apt-get update, $0 again."
  [[ $mirror != https:* ]] || include=(--include=ca-certificates)
  say "making a bare root of $release, half a minute"
  debootstrap --variant=minbase "${include[@]}" "$release" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 -- "$root.log" >&2; die "debootstrap failed: see above."; }
  rm -- "$root.log"
  # As in a container: no service starts by itself.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  # It is thrown away: nothing has to be on the disk before the next package.
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
  take_apt_settings "$root" "$release" "$mirror"
  take_certificates "$root"
}

# mirror_of LABEL: where this machine has Debian's packages, or Debian-Security's, from.
mirror_of() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' |
    awk -F'|' -v label="$1" '$2 == "Debian" && $3 == label {found = found ? found : $1}
                             END {print found}'
}

# Updates and security too, proxies, certificates and the names of hosts: as here.
take_apt_settings() {
  local root=$1 release=$2 mirror=$3 security file
  security=$(mirror_of Debian-Security)
  {
    echo "deb $mirror $release main"
    echo "deb $mirror $release-updates main"
    [[ -z $security ]] || echo "deb $security $release-security main"
  } >"$root/etc/apt/sources.list"
  for file in /etc/hosts /etc/resolv.conf; do cp -L -- "$file" "$root$file"; done
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' \
    >"$root/etc/apt/apt.conf.d/90host" || true
}

# The certificates that this machine trusts beyond Debian's, and the files that variables name.
certificate_variables=(NODE_EXTRA_CA_CERTS SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT
  GIT_SSL_CAINFO AWS_CA_BUNDLE)
take_certificates() {
  local root=$1 name
  mkdir -p "$root"/{etc/host-certificates,usr/local/share/ca-certificates}
  cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
  for name in "${certificate_variables[@]}"; do
    [[ ! -f ${!name:-} ]] || cp -L -- "${!name}" "$root/etc/host-certificates/$name.crt"
  done
}

# Sets `environment` to what a command in that root should know: only how to reach what is outside.
bare_environment() {
  local root=$1 name
  environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    LC_ALL=C.UTF-8 TERM="${TERM:-dumb}")
  for name in "${certificate_variables[@]}"; do
    [[ ! -f $root/etc/host-certificates/$name.crt ]] ||
      environment+=("$name=/etc/host-certificates/$name.crt")
  done
  for name in http_proxy https_proxy no_proxy CI npm_config_registry PIP_INDEX_URL; do
    [[ -z ${!name:-} ]] || environment+=("$name=${!name}")
  done
}

# in_root DIR COMMAND...: runs it there as root, in namespaces of its own. It and all that it
# started have ended when this returns. Such a root may hold another one: it is a mount of its own,
# as the root of a machine is.
in_root() {
  local root=$1 environment
  shift
  bare_environment "$root"
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child --propagation private -- bash -c '
    mount --bind -- "$0" "$0" && cd -- "$0"
    mount -t proc proc proc && mount --rbind /dev dev && mount --rbind /sys sys
    mount -t tmpfs tmpfs run
    exec chroot . "$@"' "$root" env -i "${environment[@]}" "$@"
}
