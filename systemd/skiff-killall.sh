#!/bin/sh
# Stops skiff and takes away what it made in Docker and in the kernel: containers, interfaces, routes, nftables rules and
# mounts. The data stays: the next start has every object again. Nothing that is not skiff's is touched.
set -u
[ "$(id -u)" = 0 ] || { echo "skiff-killall.sh: needs root" >&2; exit 1; }

data=${SKIFF_DATA_DIR:-/var/lib/skiff}
run=/run/skiff

if [ -d /run/systemd/system ] && systemctl list-unit-files skiff.service >/dev/null 2>&1; then
  systemctl stop skiff.service 2>/dev/null
fi
if [ -f $run/skiff.pid ]; then
  pid=$(cat $run/skiff.pid)
  # Only if that number is still skiff: numbers are used again.
  case $(readlink "/proc/$pid/exe" 2>/dev/null) in
    */skiff*) kill "$pid" 2>/dev/null; n=0
      while [ -d "/proc/$pid" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
      [ ! -d "/proc/$pid" ] || kill -9 "$pid" ;;
  esac
  rm -f $run/skiff.pid
fi

docker() { command docker -H "unix://${SKIFF_DOCKER_SOCKET:-/var/run/docker.sock}" "$@"; }
if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  containers=$(docker ps -aq --filter label=io.skiff.managed=true)
  [ -z "$containers" ] || docker rm -f $containers >/dev/null
fi

# Mounts of volumes, innermost first.
awk -v d="$data/agent/pods/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount "$mount" 2>/dev/null || umount -l "$mount"; done

ip -o link show 2>/dev/null | sed -n 's/^[0-9]*: \(skf[^:@]*\).*/\1/p' | while read -r link; do ip link delete "$link" 2>/dev/null; done
ip -o link show 2>/dev/null | sed -n 's/^[0-9]*: \(skiff[^:@]*\).*/\1/p' | while read -r link; do ip link delete "$link" 2>/dev/null; done
for family in inet ip ip6; do
  nft list table $family skiff >/dev/null 2>&1 && nft delete table $family skiff
done
for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ ! -d "$root/kubepods" ] || find "$root/kubepods" -depth -type d -name 'pod*' -exec rmdir {} \; 2>/dev/null
done
exit 0
