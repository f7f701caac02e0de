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
# shellcheck source=scripts/packages.sh
source "$source_root/scripts/packages.sh"
# shellcheck source=scripts/bare_root.sh
source "$source_root/scripts/bare_root.sh"

usage() {
  sed -n '2,/^set/{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

keep='' root='' user=root
while (($#)); do
  case $1 in
    --keep) keep=yes ;;
    --root) root=${2:?--root takes a folder} keep=yes && shift ;;
    --user) user=sudoer ;;
    --no-sudo) user=visitor ;;
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

make_machine() {
  local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends)
  make_bare_root "$root" "$release"
  if [[ $user == sudoer ]]; then
    in_root "$root" "${quiet[@]}" update
    in_root "$root" "${quiet[@]}" install sudo >/dev/null
    echo 'sudoer ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/sudoer"
  fi
  in_root "$root" apt-get clean
  [[ $user == root ]] || in_root "$root" useradd --create-home --shell /bin/bash "$user"
}

# As that user, in the clone.
run_there() {
  local become=()
  [[ $user == root ]] ||
    become=(setpriv --reuid="$user" --regid="$user" --init-groups env "HOME=$home")
  # shellcheck disable=SC2016
  in_root "$root" "${become[@]}" bash -c 'cd -- "$0" && exec "$@"' "$home/influencer-analytics" "$@"
}

clone_there() {
  local clone=$root$home/influencer-analytics
  rm -rf -- "${clone:?}"
  git -c safe.directory='*' clone -q --no-hardlinks "$source_root" "$clone"
  [[ $user == root ]] || in_root "$root" chown -R "$user:" "$home/influencer-analytics"
  [[ -z $(git -C "$source_root" status --porcelain) ]] || say "uncommitted changes are not there"
}

packages_there() { in_root "$root" dpkg-query -f '.\n' -W | wc -l; }
megabytes_there() { du -xsm -- "$root" | cut -f1; }

install_missing "to clone this repository" git
if [[ -z $root ]]; then
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-$release.XXXXXX")
  chmod 755 "$root"
fi
[[ -n $keep ]] || trap 'rm -rf --one-file-system -- "$root" "$root.log"' EXIT
home=/root
[[ $user == root ]] || home=/home/$user
[[ -x $root/bin/bash ]] || make_machine
clone_there

packages=$(packages_there) megabytes=$(megabytes_there) begin=$SECONDS status=0
say "$release: $*"
run_there "$@" </dev/null || status=$?
fetched=$(du -cm -- "$root/var/cache/apt/archives" | tail -n 1 | cut -f1)
say "$release: exit $status after $(((SECONDS - begin + 30) / 60)) min;" \
  "$(($(packages_there) - packages)) packages installed, $fetched MB fetched by apt," \
  "$(($(megabytes_there) - megabytes)) MB on disk with the build"
[[ -z $keep ]] || say "kept in $root"
exit "$status"
