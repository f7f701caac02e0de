#!/usr/bin/env bash
# Builds the Debian package for the release that runs here and tries it in a bare root: it installs
# with what it depends on, runs, keeps a changed configuration, and leaves data when it is removed.
# As root. With an argument, tries that package instead of building one.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=../scripts/packages.sh
source scripts/packages.sh
# shellcheck source=../scripts/bare_root.sh
source scripts/bare_root.sh

work=$(mktemp -d /tmp/ia_package.XXXXXX)
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root
config=/etc/influencer-analytics.toml

here() { in_root "$root" "$@"; }

apt_there() {
  here env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@" >"$work/apt.log" 2>&1 || die "apt-get $* failed: $(<"$work/apt.log")"
}

# All belongs to root, nobody else may write, and everybody may read.
check_files() {
  local list file facts
  list=$(here dpkg -L influencer-analytics | tail -n +2)
  for file in /usr/bin/influencer-analytics $config \
    /usr/lib/systemd/system/influencer-analytics{,@}.service \
    /usr/share/doc/influencer-analytics/{README.md,changelog.gz,copyright,runbook.md,openapi.json} \
    /usr/share/doc/influencer-analytics/influencer-analytics.example.toml; do
    grep -qxF "$file" <<<"$list" || die "the package has no $file"
  done
  while read -r file; do
    facts=$(stat -c '%U:%G %a' -- "$root$file")
    case $file:$facts in
      /usr/bin/influencer-analytics:'root:root 755' | *:'root:root 644') ;;
      *) [[ -d $root$file && $facts == 'root:root 755' ]] || die "$file is $facts" ;;
    esac
  done <<<"$list"
  [[ $(here dpkg-query -W -f '${Conffiles}' influencer-analytics) == *"$config"* ]] ||
    die "dpkg does not know $config as configuration"
}

check_program() {
  local said
  here influencer-analytics version
  here influencer-analytics check-config run --config "$config" >/dev/null
  said=$(here influencer-analytics demo --influencers 1000000-1000999 --minutes 1 \
    --listen 127.0.0.1:0 --data-dir /var/lib/influencer-analytics)
  grep -E '1,000 of 1,000 stored +100\.0 %' <<<"$said" || die "the demo stored less: $said"
}

check_units() {
  apt_there install systemd
  here systemd-analyze verify --man=no /usr/lib/systemd/system/influencer-analytics.service \
    /usr/lib/systemd/system/influencer-analytics@fetch.service
}

check_removal() {
  local data=$root/var/lib/influencer-analytics/store.db
  [[ -f $data ]] || die "the demo left no $data"
  echo '# changed' >>"$root$config"
  apt_there install --reinstall /package.deb
  apt_there remove influencer-analytics
  [[ ! -e $root/usr/bin/influencer-analytics ]] || die "the program is still there"
  grep -q '# changed' "$root$config" || die "the changed configuration is lost"
  apt_there purge influencer-analytics
  [[ ! -e $root$config ]] || die "the configuration is still there after purge"
  [[ -f $data ]] || die "the data is gone"
}

package=${1:-$(scripts/package.sh)}
make_bare_root "$root"
cp -- "$package" "$root/package.deb"
say "installing $(basename -- "$package")"
apt_there update
apt_there install /package.deb
say "trying it"
check_files
check_program
check_units
check_removal
say "the package works"
