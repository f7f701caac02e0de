#!/usr/bin/env bash
# Runs a command in a clone of this repository on a bare Debian: nothing is installed there but what
# debootstrap's minbase has, so a step that a README forgot cannot hide.
#
#   scripts/bare_machine.sh RELEASE [COMMAND [ARGUMENT...]]     as root
#   scripts/bare_machine.sh bookworm ./test.sh
#   scripts/bare_machine.sh --user trixie ./run.sh --minutes 2
#
# RELEASE is a release that debootstrap knows (bookworm, trixie). Without a command, ./run.sh
# --minutes 2 is run. The machine is a folder that is removed afterwards:
#   --keep       keeps it, and says where; --root FOLDER uses that one again
#   --user       runs the command as an ordinary user who may use sudo without a password
#   --no-sudo    runs it as an ordinary user on a machine without sudo
# It uses the packages' mirror, the proxy and the certificates of the machine that it runs on, and
# sees committed changes only. Mounts and processes are in namespaces of their own, and end with it.
# The last line tells the packages installed, megabytes, and minutes.
set -euo pipefail

source_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packages.sh
source "$source_root/scripts/packages.sh"

usage() {
  sed -n '2,/^set/{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

keep='' machine='' user=root
while (($#)); do
  case $1 in
    --keep) keep=yes ;;
    --root) machine=${2:?--root takes a folder} keep=yes && shift ;;
    --user) user=sudoer ;;
    --no-sudo) user=nobody_special ;;
    -h | --help) usage && exit ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
  esac
  shift
done
(($#)) || { usage >&2 && exit 2; }
release=$1
shift
(($#)) || set -- ./run.sh --minutes 2
((EUID == 0)) || die "a bare machine is made by root: sudo $0 ..."
install_missing "to make a bare machine" debootstrap

# mirror_of LABEL: where this machine has Debian's packages from.
mirror_of() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' |
    awk -F'|' -v label="$1" '$2 == "Debian" && $3 == label {print $1; exit}'
}

# The packages' lists and the settings to fetch with: proxy, certificates, retries.
configure_apt() {
  local security
  security=$(mirror_of Debian-Security)
  {
    echo "deb $mirror $release main"
    echo "deb $mirror $release-updates main"
    [[ -z $security ]] || echo "deb $security $release-security main"
  } >"$machine/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' \
    >"$machine/etc/apt/apt.conf.d/90host" || true
}

# The certificates that this machine trusts, and the variables that name them.
copy_certificates() {
  local name file
  mkdir -p "$machine"/{etc/host-certificates,usr/local/share/ca-certificates}
  cp -r /usr/local/share/ca-certificates/. "$machine/usr/local/share/ca-certificates/"
  for name in NODE_EXTRA_CA_CERTS SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT \
    GIT_SSL_CAINFO AWS_CA_BUNDLE; do
    file=${!name:-}
    [[ -f $file ]] || continue
    cp -L -- "$file" "$machine/etc/host-certificates/$name.crt"
    environment+=("$name=/etc/host-certificates/$name.crt")
  done
  for name in http_proxy https_proxy no_proxy CI npm_config_registry PIP_INDEX_URL; do
    [[ -z ${!name:-} ]] || environment+=("$name=${!name}")
  done
}

make_machine() {
  say "making a bare $release in $machine (half a minute)"
  debootstrap --variant=minbase "$release" "$machine" "$mirror" >"$machine.log" 2>&1 ||
    die "debootstrap failed: $(tail -n 3 "$machine.log")"
  rm -f -- "$machine.log"
  # As in a container: no service starts by itself.
  printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
  chmod +x "$machine/usr/sbin/policy-rc.d"
  configure_apt
  inside apt-get update -q >/dev/null
  [[ $user != sudoer ]] || inside env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends sudo >/dev/null
  if [[ $user != root ]]; then
    inside useradd --create-home --shell /bin/bash "$user"
    [[ $user != sudoer ]] || echo 'sudoer ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/sudoer"
  fi
  inside apt-get clean
}

# inside COMMAND...: runs it there, as root.
inside() {
  # The script below is for the shell in there.
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child --propagation private -- bash -c '
    cd -- "$0"
    mount -t proc proc proc && mount --rbind /dev dev && mount --rbind /sys sys
    mount -t tmpfs tmpfs run
    exec chroot . "$@"' "$machine" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" "${environment[@]}" "$@"
}

as_user() {
  if [[ $user == root ]]; then
    inside "$@"
  else
    inside setpriv --reuid="$user" --regid="$user" --init-groups env HOME="/home/$user" "$@"
  fi
}

packages_there() { inside dpkg-query -f '.\n' -W | wc -l; }
megabytes_there() { du -xsm -- "$machine" | cut -f1; }

environment=()
mirror=$(mirror_of Debian)
[[ -n $mirror ]] || die "this machine's apt settings name no mirror of Debian." "sudo apt-get update"
if [[ -z $machine ]]; then
  machine=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-$release.XXXXXX")
  chmod 755 "$machine"
fi
# What a folder in a folder that vanishes holds is not ours to remove: one file system only.
[[ -n $keep ]] || trap 'rm -rf --one-file-system -- "$machine"' EXIT
copy_certificates
[[ -x $machine/bin/bash ]] || make_machine
cp -L /etc/resolv.conf "$machine/etc/resolv.conf"

home=/root
[[ $user == root ]] || home=/home/$user
clone=$home/influencer-analytics
rm -rf -- "${machine:?}$clone"
git -c safe.directory='*' clone -q --no-hardlinks "$source_root" "$machine$clone"
[[ $user == root ]] || inside chown -R "$user:" "$clone"
[[ -z $(git -C "$source_root" status --porcelain) ]] || say "uncommitted changes are not there"

packages=$(packages_there) megabytes=$(megabytes_there) begin=$SECONDS status=0
say "$release: $*"
# shellcheck disable=SC2016
as_user bash -c 'cd -- "$0" && exec "$@"' "$clone" "$@" </dev/null || status=$?
fetched=$(du -cm -- "$machine/var/cache/apt/archives" | tail -n 1 | cut -f1)
say "$release: exit $status after $(((SECONDS - begin + 30) / 60)) min;" \
  "$(($(packages_there) - packages)) packages installed, $fetched MB fetched by apt," \
  "$(($(megabytes_there) - megabytes)) MB on disk with the build"
[[ -z $keep ]] || say "kept in $machine"
exit "$status"
