#!/bin/sh
# Installs skiff on this machine from this checkout, starts it, and waits until the node is Ready.
# May be run again at any time. As root.
#
#   INSTALL_SKIFF_BIN_DIR     where the programs go (default /usr/local/bin)
#   INSTALL_SKIFF_SKIP_START  "true": do not start it
#   INSTALL_SKIFF_EXEC        flags for `skiff server`
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=${INSTALL_SKIFF_BIN_DIR:-/usr/local/bin}
flags=${INSTALL_SKIFF_EXEC:-}

say() { printf '== %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# Runs a long step with its output in a log file; shows that it goes on, and the end of the log when it fails.
step() {
  what=$1; shift
  log=$(mktemp); began=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null & job=$!
  if [ -t 1 ]; then
    while kill -0 $job 2>/dev/null; do printf '\r== %s … %s s ' "$what" $(($(date +%s) - began)); sleep 1; done
    printf '\r'
  else
    printf '== %s …\n' "$what"
  fi
  if wait $job; then
    printf '== %s: done (%s s)\n' "$what" $(($(date +%s) - began)); rm -f "$log"
  else
    tail -n 20 "$log" >&2; fail "$what failed; the whole log is in $log"
  fi
}

# Whether the skiff that was started in the background is still there: numbers of processes are used again.
pidfile=/run/skiff/skiff.pid
running() {
  [ -f $pidfile ] || return 1
  case $(readlink "/proc/$(cat $pidfile)/exe" 2>/dev/null) in */skiff*) return 0 ;; *) return 1 ;; esac
}

[ "$(id -u)" = 0 ] || fail "needs root: run it with sudo"
[ -f "$here/package.json" ] || fail "run it from a checkout of skiff: package.json is not beside it"
case $(uname -m) in
  x86_64 | amd64 | aarch64 | arm64) ;;
  *) fail "skiff runs on 64-bit PCs (x86_64) and 64-bit ARM (aarch64); this is $(uname -m)" ;;
esac
mkdir -p "$bin" && [ -w "$bin" ] || fail "$bin cannot be written: set INSTALL_SKIFF_BIN_DIR to a folder on the PATH that can"

# What the build and the node need, and the Debian package that brings it.
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need npm npm
need gcc gcc
need strip binutils
need nft nftables
need ip iproute2
need conntrack conntrack
need nsenter util-linux
need dockerd docker.io
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 || fail "missing:$missing. Install them with this system's package manager, then run it again"
  step "reading the package lists" apt-get update
  # shellcheck disable=SC2086
  step "installing$missing" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi

# Newer Debians have Docker's client in a package of its own.
command -v docker >/dev/null 2>&1 || step "installing docker-cli" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker-cli

cd "$here"
[ -x node_modules/.bin/node ] || step "fetching the libraries" npm install --ignore-scripts
step "building skiff" npm run build

# Whole or not at all: a program that is running cannot be overwritten, but replaced.
put() { cp "$1" "$bin/.$2.new" && chmod 755 "$bin/.$2.new" && mv "$bin/.$2.new" "$bin/$2"; }
put dist/skiff skiff
put systemd/skiff-killall.sh skiff-killall.sh
put systemd/skiff-uninstall.sh skiff-uninstall.sh
say "installed $bin/skiff ($("$bin/skiff" --version))"
[ "${INSTALL_SKIFF_SKIP_START:-}" != true ] || exit 0

if [ -d /run/systemd/system ]; then
  systemctl enable --now docker >/dev/null 2>&1 || true
  sed "s|^ExecStart=.*|ExecStart=$bin/skiff server $flags|" systemd/skiff.service >/etc/systemd/system/skiff.service
  systemctl daemon-reload
  systemctl enable skiff >/dev/null 2>&1
  systemctl restart skiff
  say "started under systemd: \`systemctl status skiff\`, \`journalctl -u skiff\`"
  logs="journalctl -u skiff -n 20 --no-pager"
else
  mkdir -p /run/skiff
  if ! docker info >/dev/null 2>&1; then
    say "systemd is not running here: starting Docker in the background, log in /var/log/dockerd.log"
    setsid dockerd --live-restore >/var/log/dockerd.log 2>&1 </dev/null &
    n=0; until docker info >/dev/null 2>&1; do
      n=$((n + 1)); [ $n -lt 150 ] || { tail -n 20 /var/log/dockerd.log >&2; fail "Docker did not start"; }; sleep 0.2
    done
  fi
  if running; then
    old=$(cat $pidfile)
    say "stopping the skiff that runs (its containers go on running)"
    kill "$old"
    n=0; while running; do
      n=$((n + 1)); [ $n -lt 300 ] || fail "skiff (process $old) does not stop: stop it with skiff-killall.sh, then run this again"; sleep 0.1
    done
  fi
  # shellcheck disable=SC2086
  setsid "$bin/skiff" server $flags >/var/log/skiff.log 2>&1 </dev/null &
  echo $! >$pidfile
  say "systemd is not running here: skiff runs in the background until this machine stops (log: /var/log/skiff.log, stop: skiff-killall.sh)"
  logs="tail -n 20 /var/log/skiff.log"
fi

printf '== waiting for the node to be Ready '
n=0
until "$bin/skiff" ready >/dev/null 2>&1; do
  [ -d /run/systemd/system ] || running || [ $n -lt 3 ] || { echo; $logs >&2; fail "skiff has ended; what it said is above"; }
  n=$((n + 1)); [ $n -lt 120 ] || { echo; $logs >&2; fail "the node did not become Ready in two minutes; the end of the log is above"; }
  printf .; sleep 1
done
echo " Ready"
cat <<EOF

skiff runs. What to do next:

  skiff kubectl get nodes                          (or: export KUBECONFIG=/etc/skiff/skiff.yaml; kubectl get nodes)
  skiff kubectl create deployment hello --image=skiff/hello
  skiff kubectl expose deployment hello --port=80 --target-port=8080
  skiff kubectl get pods,services

To stop it and remove what it made:  skiff-killall.sh
To take it off this machine:         skiff-uninstall.sh
EOF
