#!/usr/bin/env bash
# Does what deploy/Dockerfile does, without a container engine, on the Debian release that runs
# here: builds, then installs the outcome in a bare root and runs it there. As root.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../scripts/packages.sh
source scripts/packages.sh
# shellcheck source=../bare_root.sh
source deploy/bare_root.sh

work=$(mktemp -d /tmp/ia_image.XXXXXX)
trap 'rm -rf --one-file-system -- "$work"' EXIT

deploy/image/build.sh
make_bare_root "$work/root"
cp -r build/image "$work/root/image"
in_root "$work/root" /image/install.sh
in_root "$work/root" chroot --userspec=10001 / influencer-analytics version
say "the image's steps work"
