#!/usr/bin/env bash
# Does what deploy/Dockerfile does, without a container engine, on the Debian release that runs
# here: builds, then installs the outcome in a bare root and runs it there. As root.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/packages.sh
source scripts/packages.sh
# shellcheck source=../../scripts/bare_root.sh
source scripts/bare_root.sh

work=$(mktemp -d /tmp/ia_image.XXXXXX)
trap 'rm -rf --one-file-system -- "$work"' EXIT

# As the image's user: the health check says yes while the program runs, and no afterwards.
check_health() {
  in_root "$work/root" chroot --userspec=10001 / bash -eu <<'EOF'
cd /var/lib/influencer-analytics
influencer-analytics demo --influencers 1000000-1000099 --listen 127.0.0.1:0 >demo.log 2>&1 &
until page=$(sed -n 's/^page *//p' demo.log) && [[ -n $page ]]; do
  kill -0 $! || { cat demo.log; exit 1; }
  sleep 0.2
done
influencer-analytics health --url "${page}healthz"
kill $!
wait $!
! influencer-analytics health --url "${page}healthz"
EOF
}

deploy/image/build.sh
make_bare_root "$work/root"
cp -r build/image "$work/root/image"
in_root "$work/root" /image/install.sh
in_root "$work/root" chroot --userspec=10001 / influencer-analytics version
check_health || die "the image's health check does not tell the truth"
say "the image's steps work"
