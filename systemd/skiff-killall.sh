#!/bin/sh
# Stops skiff and takes away what it made in Docker and in the kernel: containers, interfaces, routes, nftables rules and
# mounts. The data stays: the next start has every object again. Nothing that is not skiff's is touched.
set -u
[ "$(id -u)" = 0 ] || { echo "skiff-killall.sh: needs root" >&2; exit 1; }

bin=${INSTALL_SKIFF_BIN_DIR:-/usr/local/bin}
units=${INSTALL_SKIFF_SYSTEMD_DIR:-/etc/systemd/system}
run=/run/skiff

# The services that run this skiff, whatever they are called.
services=$(grep -ls "^ExecStart=$bin/skiff " "$units"/skiff*.service | sed 's|.*/||')
data=${SKIFF_DATA_DIR:-$(sed -n 's/^SKIFF_DATA_DIR="\(.*\)"$/\1/p' "$units"/skiff*.service.env 2>/dev/null | head -n 1)}
data=${data:-$(sed -nE 's/^ExecStart=.*"(--data-dir|-d)(="?|" ")([^"]*)".*/\3/p' "$units"/skiff*.service 2>/dev/null | head -n 1)}
data=${data:-/var/lib/skiff}

if [ -d /run/systemd/system ]; then
  for service in $services; do systemctl stop "$service"; done
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

# Mounts of volumes, innermost first: on disk, in memory, and those that CSI drivers made in kubelet's directory.
kubelet=$(cat "$data/agent/kubelet-directory" 2>/dev/null)
volumes="$data/agent/pods/ $run/"
[ -z "$kubelet" ] || volumes="$volumes $kubelet/pods/ $kubelet/plugins/kubernetes.io/csi/"
awk -v dirs="$volumes" '
  BEGIN { count = split(dirs, dir, " ") }
  { for (at = 1; at <= count; at++) if (index($2, dir[at]) == 1) { print $2; break } }' /proc/mounts | sort -r |
  while read -r mount; do umount "$mount" 2>/dev/null || umount -l "$mount"; done
# What was mounted on itself so that pods' mounts are shared.
[ ! -f "$run/shared-mounts" ] || sort -ru "$run/shared-mounts" | while read -r mount; do umount -l "$mount" 2>/dev/null; done
rm -rf "$run"

# Pods' links, the node's among pods, the overlay; then the routes to other nodes' pods, known by their protocol.
ip -o link show 2>/dev/null | sed -nE 's/^[0-9]+: (skf[0-9a-f]{12}|skiff0|skiffvx|skiffwg)[:@].*/\1/p' |
  while read -r link; do ip link delete "$link" 2>/dev/null; done
for family in -4 -6; do ip $family route flush proto 143 2>/dev/null; done

nft list table inet skiff >/dev/null 2>&1 && nft delete table inet skiff
# The rules that let pods' packets through other filters, known by their comment.
nft -a list ruleset 2>/dev/null | awk '
  $1 == "table" { table = $2 " " $3 }
  $1 == "chain" { chain = $2; forwards = chain == "DOCKER-USER" }
  / hook forward / { forwards = 1 }
  forwards && / comment "skiff" # handle [0-9]+$/ { print "delete rule " table " " chain " handle " $NF }' | nft -f - 2>/dev/null

# What systemd was told of pods' slices.
for folder in /run/systemd/system/kubepods.slice.d /run/systemd/system/kubepods-.slice.d; do
  [ ! -f $folder/skiff.conf ] || { rm -f $folder/skiff.conf; rmdir $folder 2>/dev/null; }
done

for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -d "$root/kubepods" ] || continue
  find "$root/kubepods" -depth -type d -name 'pod*' -exec rmdir {} \; 2>/dev/null
  # Another kubelet's groups are not empty, and stay.
  rmdir "$root/kubepods/burstable" "$root/kubepods/besteffort" "$root/kubepods" 2>/dev/null
done
true
