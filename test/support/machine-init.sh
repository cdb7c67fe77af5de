#!/bin/sh
# The first process of a test machine: runs in namespaces of its own (made by machine.ts), gives the machine its own /proc,
# cgroups, /run and disk, starts containerd and Docker, then waits. $1: the machine's directory, $2: its name.
set -eu
disk=$1/disk
hostname "$2"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
if grep -q . "$1/cgroups" 2>/dev/null; then
  mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
  while read -r name; do
    mkdir "/sys/fs/cgroup/$name"
    option=$name; [ "$name" != systemd ] || option=none,name=systemd
    mount -t cgroup -o "$option" cgroup "/sys/fs/cgroup/$name"
  done <"$1/cgroups"
else
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /run/netns
# faketime names what it shares by process number, which other machines have too.
mount -t tmpfs -o mode=1777 shm /dev/shm
for folder in /var/lib/docker /var/lib/containerd /var/lib/skiff /var/lib/kubelet /etc/skiff /etc/systemd /usr/local/bin /var/log; do
  mkdir -p "$disk$folder" "$folder"
  mount --bind "$disk$folder" "$folder"
done
[ ! -f "$1/resolv.conf" ] || mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"

containerd --log-level warn >"$1/containerd.log" 2>&1 &
containerd=$!
until [ -S /run/containerd/containerd.sock ]; do kill -0 $containerd; sleep 0.02; done
# shellcheck disable=SC2086
dockerd --containerd /run/containerd/containerd.sock --userland-proxy=false --live-restore \
  ${DOCKERD_FLAGS:---bridge=none --iptables=false --ip6tables=false} >"$1/dockerd.log" 2>&1 &
dockerd=$!
until curl -sf --unix-socket /run/docker.sock http://docker/_ping >/dev/null; do kill -0 $dockerd; sleep 0.03; done
touch "$1/ready"
# Reaps what it inherits, until it is killed and the whole machine with it.
trap : CHLD
while :; do sleep 3600 & wait $! || true; done
