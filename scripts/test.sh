#!/bin/sh
# `npm test`: sets up what the tests need on a Debian machine (as root), then runs all of them.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "npm test: needs root: the tests make network namespaces and start Docker" >&2; exit 1; }
[ -x node_modules/.bin/node ] || { echo "== fetching the libraries"; npm install --ignore-scripts; }

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need dockerd docker.io
need docker docker.io
need containerd containerd
need runc runc
need nft nftables
need ip iproute2
need conntrack conntrack
need nsenter util-linux
need gcc gcc
# The other architecture, whose executable is built and run under emulation.
case $(uname -m) in
  x86_64) triplet=aarch64-linux-gnu package=aarch64-linux-gnu libraries=arm64 ;;
  *) triplet=x86_64-linux-gnu package=x86-64-linux-gnu libraries=amd64 ;;
esac
need $triplet-gcc gcc-$package
need qemu-aarch64-static qemu-user-static
need docker-registry docker-registry
need debootstrap debootstrap
need jq jq
need curl curl
need git git
need strace strace
need busybox busybox-static
need faketime faketime
need mkfs.ext4 e2fsprogs
[ -e /usr/$triplet/lib/libstdc++.so.6 ] || missing="$missing libstdc++6-$libraries-cross libatomic1-$libraries-cross"
if [ -n "$missing" ]; then
  echo "== installing$missing"
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

PATH="$PWD/node_modules/.bin:$PATH"
export PATH
exec node scripts/test.ts "$@"
