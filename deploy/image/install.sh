#!/usr/bin/env bash
# The image's second stage, as root on a Debian system without anything: installs the program that
# build.sh made, its libraries and its user. Needs no more than the folder in which it lies.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

mapfile -t packages <packages
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends ca-certificates "${packages[@]}"
rm -rf /var/lib/apt/lists/*
useradd --uid 10001 --shell /usr/sbin/nologin --create-home \
  --home-dir /var/lib/influencer-analytics ia
install -m 0755 influencer-analytics /usr/bin/influencer-analytics
