#!/bin/sh
# Takes skiff off this machine: all that skiff-killall.sh takes away, and the data, the configuration, the unit and the programs.
set -u
[ "$(id -u)" = 0 ] || { echo "skiff-uninstall.sh: needs root" >&2; exit 1; }

bin=${INSTALL_SKIFF_BIN_DIR:-/usr/local/bin}
data=${SKIFF_DATA_DIR:-/var/lib/skiff}
"$bin/skiff-killall.sh"

if [ -d /run/systemd/system ]; then
  systemctl disable skiff.service >/dev/null 2>&1
fi
rm -f /etc/systemd/system/skiff.service /etc/systemd/system/skiff.service.env
[ ! -d /run/systemd/system ] || systemctl daemon-reload

docker() { command docker -H "unix://${SKIFF_DOCKER_SOCKET:-/var/run/docker.sock}" "$@"; }
if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  # By their names: an image that somebody gave a name of their own stays under that.
  images=$(docker images --format '{{.Repository}}:{{.Tag}}' --filter reference='skiff/pause' --filter reference='skiff/hello')
  [ -z "$images" ] || docker rmi $images >/dev/null
fi
rm -rf "$data" /etc/skiff /run/skiff /var/log/skiff.log
rm -f "$bin/skiff" "$bin/skiff-killall.sh" "$bin/skiff-uninstall.sh"
echo "skiff is removed. Docker and the packages that the installer brought are still there."
