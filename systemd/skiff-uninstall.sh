#!/bin/sh
# Takes skiff off this machine: all that skiff-killall.sh takes away, and the data, the configuration, the units and the programs.
set -u
[ "$(id -u)" = 0 ] || { echo "skiff-uninstall.sh: needs root" >&2; exit 1; }

bin=${INSTALL_SKIFF_BIN_DIR:-/usr/local/bin}
units=${INSTALL_SKIFF_SYSTEMD_DIR:-/etc/systemd/system}
. "$bin/skiff-killall.sh"

for service in $services; do
  [ ! -d /run/systemd/system ] || systemctl disable "$service" >/dev/null 2>&1
  rm -f "$units/$service" "$units/$service.env"
done
[ ! -d /run/systemd/system ] || { systemctl daemon-reload; systemctl reset-failed 'skiff*' 2>/dev/null; }

if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  # By their names: an image that somebody gave a name of their own stays under that.
  images=$(docker images --format '{{.Repository}}:{{.Tag}}' --filter reference='skiff/pause' --filter reference='skiff/hello')
  [ -z "$images" ] || docker rmi $images >/dev/null
fi
# What skiff made in its directory, not whatever else a directory of that name may hold.
rm -rf "$data/server" "$data/agent" "$data/programs"
# What pods kept in volumes is the user's: only an empty directory goes.
rmdir "$data/storage" "$data" 2>/dev/null
# Where CSI drivers found the node: their sockets, skiff's notes beside their mounts, and the directories that are empty then.
if [ -n "$kubelet" ]; then
  find "$kubelet" -xdev ! -type d \( -type s -o -name vol_data.json -o -path '*/csi/volumeDevices/*' -size 0 \) -exec rm -f {} +
  find "$kubelet" -xdev -depth -type d -exec rmdir {} + 2>/dev/null
fi
rm -rf /etc/skiff /run/skiff /var/log/skiff.log
[ "$(readlink "$bin/kubectl")" != skiff ] || rm -f "$bin/kubectl"
rm -f "$bin/skiff" "$bin/skiff-killall.sh" "$bin/skiff-uninstall.sh"
[ ! -d "$data/storage" ] || echo "The volumes' data are still in $data/storage."
echo "skiff is removed. Docker and the packages that the installer brought are still there."
