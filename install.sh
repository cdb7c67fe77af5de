#!/bin/sh
# Installs skiff, starts it, and waits until the node is Ready. As root; may be run again at any time.
#
#   curl -sfL https://HOST/install.sh | sh -                                     a cluster of one node
#   curl -sfL https://HOST/install.sh | SKIFF_URL=https://SERVER:6443 SKIFF_TOKEN=TOKEN sh -    a further node
#   sh install.sh                                                                from a checkout: builds it first
#
# What stands behind `sh -s -` (or in INSTALL_SKIFF_EXEC) are skiff's own arguments: [server|agent] [FLAGS]. Where none are
# given, those of the installation that is there are kept.
#
#   SKIFF_*                        kept for the service, in a file that only root reads; SKIFF_URL makes this an agent
#   INSTALL_SKIFF_VERSION          the release, such as v0.1.0 (default: the channel's newest)
#   INSTALL_SKIFF_CHANNEL          stable (default), latest, …
#   INSTALL_SKIFF_URL              the address below which releases lie
#   INSTALL_SKIFF_EXEC             arguments for skiff
#   INSTALL_SKIFF_NAME             name of the service behind "skiff-" (default: skiff, and skiff-agent for an agent)
#   INSTALL_SKIFF_BIN_DIR          where the programs go (default /usr/local/bin)
#   INSTALL_SKIFF_SYSTEMD_DIR      where the unit goes (default /etc/systemd/system)
#   INSTALL_SKIFF_SKIP_DOWNLOAD    "true": use the skiff that is in that folder already
#   INSTALL_SKIFF_SKIP_CHECKS      "true": do not look whether this machine can run it
#   INSTALL_SKIFF_SKIP_ENABLE      "true": neither enable nor start the service
#   INSTALL_SKIFF_SKIP_START       "true": do not start the service
#   INSTALL_SKIFF_FORCE_RESTART    "true": restart it even when nothing has changed
#   INSTALL_SKIFF_SYMLINK          "skip" or "force": kubectl as another name of skiff (default: where there is none)
set -eu

# The release fills this in.
default_url=

say() { printf '== %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
isOn() { [ "$1" = true ]; }

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

# --- what this machine is ---------------------------------------------------------------------------------------------

oldestLibc=2.34

refuseForeignSystems() {
  [ "$(uname -s)" = Linux ] || fail "skiff runs on Linux; this is $(uname -s)"
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    arm* | i?86) fail "this is a 32-bit system ($(uname -m)) and skiff needs a 64-bit one: on a Raspberry Pi 3 or later, install the 64-bit Raspberry Pi OS" ;;
    *) fail "skiff runs on 64-bit PCs (x86_64) and 64-bit ARM (aarch64); this is $(uname -m)" ;;
  esac
  [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 64 ] ||
    fail "the kernel is a 64-bit one, but the programs of this system are 32-bit, and skiff needs a 64-bit system: on a Raspberry Pi, install the 64-bit Raspberry Pi OS"
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{ print $2 }')
  [ -n "$libc" ] || libc=$(ldd --version 2>/dev/null | sed -n '1s/.* \([0-9][0-9]*\.[0-9][0-9]*\)$/\1/p')
  if [ -z "$libc" ]; then
    fail "the C library of this system is not glibc (Alpine and others have musl), and skiff needs glibc $oldestLibc or later: Debian 12, Ubuntu 22.04, Raspberry Pi OS bookworm or later"
  fi
  [ "$(printf '%s\n%s\n' "$oldestLibc" "$libc" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$oldestLibc" ] ||
    fail "the C library of this system is glibc $libc, and skiff needs $oldestLibc or later: upgrade to Debian 12, Ubuntu 22.04, Raspberry Pi OS bookworm or later"
}

# --- what is wanted ---------------------------------------------------------------------------------------------------

# Words as a shell would split them, quotes included, with everything else that a shell would act on taken literally.
escaped() { printf '%s' "$*" | sed -e 's/\([][!#$&()*;<>?`{|}~]\)/\\\1/g'; }
# One argument as systemd reads it in ExecStart=, and the whole line back as a shell reads it.
forUnit() { printf '"%s"' "$(printf '%s' "$1" | sed -e 's/[\\"]/\\&/g' -e 's/%/%%/g' -e 's/\$/$$/g')"; }
forShell() { printf '%s' "$1" | sed -e 's/\$\$/\\$/g' -e 's/%%/%/g' -e 's/`/\\`/g'; }

commandOf() { sed -n 's|^ExecStart=[^ ]* ||p' "$1" 2>/dev/null | head -n 1; }

chooseService() {
  given=$#
  command=
  case ${1:-} in
    server | agent) command=$1; shift ;;
    -* | '') ;;
    *) fail "\"$1\" is no way to run skiff: write server or agent in front of the flags, or the flags alone" ;;
  esac
  name=${INSTALL_SKIFF_NAME:+skiff-$INSTALL_SKIFF_NAME}
  case ${INSTALL_SKIFF_NAME:-} in *[!a-zA-Z0-9_-]*) fail "INSTALL_SKIFF_NAME=$INSTALL_SKIFF_NAME: a name has letters, digits, - and _" ;; esac
  if [ -z "$command" ]; then
    if [ -n "${SKIFF_URL:-}" ]; then command=agent
    elif [ -n "$name" ] && [ -f "$units/$name.service" ]; then command=$(commandOf "$units/$name.service"); command=${command%% *}
    elif [ -f "$units/skiff-agent.service" ] && [ ! -f "$units/skiff.service" ]; then command=agent
    else command=server; fi
  fi
  other=skiff-agent; [ "$command" = server ] || other=skiff
  if [ -z "$name" ] && [ -f "$units/$other.service" ]; then
    fail "this machine runs $other.service already, and one machine is a server or an agent: take that away with skiff-uninstall.sh first"
  fi
  if [ -z "$name" ]; then [ "$command" = agent ] && name=skiff-agent || name=skiff; fi
  unit=$units/$name.service
  environment=$unit.env

  arguments=$command
  for argument; do arguments="$arguments $(forUnit "$argument")"; done
  if [ "$given" = 0 ] && [ -f "$unit" ]; then
    kept=$(commandOf "$unit")
    [ "${kept%% *}" != $command ] || arguments=$kept
  fi
}

# The variables for the service: those of the installation that is there, and over them those given now.
writeEnvironment() {
  {
    { [ ! -f "$environment" ] || cat "$environment"; } | while IFS= read -r line; do
      variable=${line%%=*}
      isGiven=$(printenv "$variable" || true)
      [ -n "$isGiven" ] || printf '%s\n' "$line"
    done
    for variable in $(env | sed -n 's/^\(SKIFF_[A-Z_]*\|[A-Za-z]*_[Pp][Rr][Oo][Xx][Yy]\)=.*/\1/p' | sort -u); do
      value=$(printenv "$variable")
      [ -z "$value" ] || printf '%s="%s"\n' "$variable" "$(printf '%s' "$value" | sed -e 's/[\\"$`]/\\&/g')"
    done
  } | sort -u >"$1"
}

# --- where skiff comes from -------------------------------------------------------------------------------------------

fetch() { # URL FILE
  if command -v curl >/dev/null 2>&1; then said=$(curl -fsSL --retry 2 -o "$2" "$1" 2>&1) && return 0
  elif command -v wget >/dev/null 2>&1; then said=$(wget -nv -O "$2" "$1" 2>&1) && return 0
  else fail "neither curl nor wget is here to download with: apt-get install curl"; fi
  said=$(printf '%s' "$said" | tail -n 1)
  case $said in *'(23)'* | *'o space left'*) fail "the disk of $bin is full: make room; nothing was changed" ;; esac
  fail "$1 could not be downloaded ($said): check the address and this machine's network; nothing was changed"
}

sumOf() { sha256sum "$1" | cut -d ' ' -f 1; }
listed() { awk -v file="$1" '$2 == file { print $1 }' "$work/sha256sums.txt"; }

download() {
  base=${INSTALL_SKIFF_URL:-$default_url}
  [ -n "$base" ] || fail "INSTALL_SKIFF_URL is not set: it says below which address the releases lie"
  base=${base%/}
  version=${INSTALL_SKIFF_VERSION:-}
  if [ -z "$version" ]; then
    channel=${INSTALL_SKIFF_CHANNEL:-stable}
    fetch "$base/channels/$channel" "$work/channel"
    version=$(head -n 1 "$work/channel")
    case $version in v[0-9]*) ;; *) fail "$base/channels/$channel names no version: is the channel called otherwise?" ;; esac
  fi
  fetch "$base/$version/sha256sums.txt" "$work/sha256sums.txt"
  sum=$(listed "skiff-$arch")
  [ -n "$sum" ] || fail "$base/$version has no skiff for $arch"
  if [ -x "$bin/skiff" ] && [ "$(sumOf "$bin/skiff")" = "$sum" ]; then
    say "skiff $version is here already"
    program=$bin/skiff
    return
  fi
  if command -v zstd >/dev/null 2>&1; then packed=skiff-$arch.zst unpack=zstd; else packed=skiff-$arch.gz unpack=gzip; fi
  say "downloading $base/$version/$packed"
  fetch "$base/$version/$packed" "$work/$packed"
  [ "$(sumOf "$work/$packed")" = "$(listed "$packed")" ] ||
    fail "the checksum of $packed is not the one that $version lists: the download is damaged or not the real one; nothing was changed"
  $unpack -dc "$work/$packed" >"$work/skiff" || fail "$packed could not be unpacked into $bin: is its disk full? Nothing was changed"
  [ "$(sumOf "$work/skiff")" = "$sum" ] || fail "the checksum of skiff-$arch is not the one that $version lists; nothing was changed"
  rm "$work/$packed"
  chmod 755 "$work/skiff"
  program=$work/skiff
}

need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
aptInstall() { step "installing$*" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }

# Whether the executable in the checkout was built from what lies there now.
isBuilt() {
  [ -x "$checkout/dist/skiff" ] || return 1
  [ -z "$(cd "$checkout" && find src scripts systemd package.json package-lock.json tsup.config.ts -newer dist/skiff -type f 2>/dev/null | head -n 1)" ]
}

build() {
  missing=
  isBuilt || { need npm npm; need gcc gcc; need strip binutils; }
  need nft nftables; need ip iproute2; need conntrack conntrack; need nsenter util-linux; need dockerd docker.io
  if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || fail "missing:$missing. Install them with this system's package manager, then run it again"
    step "reading the package lists" apt-get update
    # shellcheck disable=SC2086
    aptInstall $missing
  fi
  # Newer Debians have Docker's client in a package of its own.
  command -v docker >/dev/null 2>&1 || aptInstall docker-cli
  if isBuilt; then
    say "dist/skiff is newer than its sources: not built again"
  else
    cd "$checkout"
    [ -x node_modules/.bin/node ] || step "fetching the libraries" npm install --ignore-scripts
    step "building skiff" npm run build
  fi
  program=$checkout/dist/skiff
}

obtain() {
  if isOn "${INSTALL_SKIFF_SKIP_DOWNLOAD:-}"; then
    program=$bin/skiff
    [ -x "$program" ] || fail "INSTALL_SKIFF_SKIP_DOWNLOAD is true, but there is no $program"
  elif [ -n "$checkout" ] && [ -z "${INSTALL_SKIFF_URL:-}${INSTALL_SKIFF_VERSION:-}${INSTALL_SKIFF_CHANNEL:-}" ]; then
    build
  else
    download
  fi
  "$program" --version >/dev/null 2>"$work/said" || fail "skiff does not run on this machine: $(tail -n 1 "$work/said")"
}

# --- whether it would run ---------------------------------------------------------------------------------------------

startDocker() {
  ! isOn "${INSTALL_SKIFF_SKIP_START:-}" && ! isOn "${INSTALL_SKIFF_SKIP_ENABLE:-}" || return 0
  ! docker info >/dev/null 2>&1 || return 0
  command -v dockerd >/dev/null 2>&1 || return 0
  if [ -n "$systemd" ]; then
    systemctl start docker >/dev/null 2>&1 || true
  else
    say "systemd is not running here: starting Docker in the background, log in /var/log/dockerd.log"
    setsid dockerd --live-restore >/var/log/dockerd.log 2>&1 </dev/null &
    n=0; until docker info >/dev/null 2>&1; do
      n=$((n + 1)); [ $n -lt 150 ] || { tail -n 20 /var/log/dockerd.log >&2; fail "Docker did not start"; }; sleep 0.2
    done
  fi
}

check() {
  ! isOn "${INSTALL_SKIFF_SKIP_CHECKS:-}" || return 0
  eval "set -- $(forShell "$arguments")"
  if ! said=$(set -a; . "$work/environment"; "$program" check --brief "$@" 2>&1); then
    printf '%s\n' "$said" | sed 's/^skiff: //' | while IFS= read -r line; do printf 'install.sh: %s\n' "$line" >&2; done
    exit 1
  fi
}

# --- installing -------------------------------------------------------------------------------------------------------

# There while something is in place that the skiff that runs has not been started with: the next run of this script takes it
# up, should this one be broken off, or be told to start nothing.
pending() { [ -f "/run/skiff/restart-$name" ]; }
makeRun() { (umask 027 && mkdir -p /run/skiff); }

# Puts a file in its place, whole or not at all: a program that is running cannot be overwritten, but replaced.
put() { # FILE PLACE MODE
  if [ -f "$2" ] && cmp -s "$1" "$2"; then return; fi
  changed=true
  makeRun && : >"/run/skiff/restart-$name"
  cp "$1" "$2.new" && chmod "$3" "$2.new" && mv "$2.new" "$2" || fail "$2 could not be written"
}

ownFile() { # NAME: a file that skiff brings along, with the places of this installation in it
  "$program" files "$1" | sed \
    -e "s|^bin=.*|bin=\${INSTALL_SKIFF_BIN_DIR:-$bin}|" \
    -e "s|^units=.*|units=\${INSTALL_SKIFF_SYSTEMD_DIR:-$units}|" >"$work/file"
}

installFiles() {
  for script in skiff-killall.sh skiff-uninstall.sh; do ownFile $script; put "$work/file" "$bin/$script" 755; done
  [ "$program" = "$bin/skiff" ] || put "$program" "$bin/skiff" 755
  program=$bin/skiff
  version=$("$program" --version) || fail "skiff does not run on this machine"
  if [ -n "$changed" ]; then say "installed $bin/skiff ($version)"; fi
  case ${INSTALL_SKIFF_SYMLINK:-} in
    skip) ;;
    force) ln -sf skiff "$bin/kubectl" ;;
    *) command -v kubectl >/dev/null 2>&1 || ln -s skiff "$bin/kubectl" ;;
  esac

  mkdir -p "$units"
  put "$work/environment" "$environment" 600
  ownFile "skiff$([ $command = server ] || echo -agent).service"
  printf '%s' "$arguments" | sed 's/[\\&|]/\\&/g' >"$work/arguments"
  sed -e "s|^ExecStart=.*|ExecStart=$bin/skiff $(cat "$work/arguments")|" -e "s|^EnvironmentFile=-.*\.service\.env|EnvironmentFile=-$environment|" \
    "$work/file" >"$work/unit"
  put "$work/unit" "$unit" 644
}

startUnderSystemd() {
  systemctl daemon-reload
  isOn "${INSTALL_SKIFF_SKIP_ENABLE:-}" && return
  systemctl enable docker >/dev/null 2>&1 || true
  # By its path: systemd may not look into that folder by itself.
  systemctl enable "$unit" >"$work/said" 2>&1 || fail "systemd does not take $unit: $(tail -n 1 "$work/said")"
  isOn "${INSTALL_SKIFF_SKIP_START:-}" && return
  if ! pending && systemctl is-active -q "$name" && ! isOn "${INSTALL_SKIFF_FORCE_RESTART:-}"; then
    say "nothing has changed: $name runs on"
  else
    systemctl reset-failed "$name" 2>/dev/null || true
    systemctl stop "$name" 2>/dev/null || true # or it would look Ready while the old one still runs
    rm -f "/run/skiff/restart-$name"
    systemctl start --no-block "$name"
    say "started under systemd: \`systemctl status $name\`, \`journalctl -u $name\`"
  fi
  logs="journalctl -u $name -n 20 --no-pager -o cat"
  waitFor systemdSaysReady
}

# systemd holds the service to be started when skiff has told it that the node is Ready.
systemdSaysReady() {
  case $(systemctl show -p ActiveState -p SubState "$name" | tr '\n' ' ') in
    *ActiveState=active*SubState=running*) return 0 ;;
    *SubState=auto-restart* | *ActiveState=failed*) return 2 ;;
    *) return 1 ;;
  esac
}

pidfile=/run/skiff/skiff.pid
# Whether the skiff that was started in the background is still there: numbers of processes are used again.
running() {
  [ -f $pidfile ] || return 1
  case $(readlink "/proc/$(cat $pidfile)/exe" 2>/dev/null) in */skiff*) return 0 ;; *) return 1 ;; esac
}

startInBackground() {
  ! isOn "${INSTALL_SKIFF_SKIP_START:-}" && ! isOn "${INSTALL_SKIFF_SKIP_ENABLE:-}" || return 0
  makeRun
  if running && ! pending && ! isOn "${INSTALL_SKIFF_FORCE_RESTART:-}"; then
    say "nothing has changed: skiff runs on"
  else
    if running; then
      old=$(cat $pidfile)
      say "stopping the skiff that runs (its containers go on running)"
      kill "$old" 2>/dev/null || true # it may have ended by itself
      n=0; while running; do
        n=$((n + 1)); [ $n -lt 300 ] || fail "skiff (process $old) does not stop: stop it with skiff-killall.sh, then run this again"; sleep 0.1
      done
    fi
    rm -f "/run/skiff/restart-$name"
    eval "set -- $(forShell "$arguments")"
    # The log begins anew before anyone looks into it: what the skiff before this one said of a Ready node no longer counts.
    (umask 077 && : >/var/log/skiff.log)
    # In the environment that systemd would give it.
    (set -a; . "$environment"; exec setsid "$bin/skiff" "$@" >>/var/log/skiff.log 2>&1 </dev/null) &
    echo $! >$pidfile
    say "systemd is not running here: skiff runs in the background until this machine stops (log: /var/log/skiff.log, stop: skiff-killall.sh)"
  fi
  logs="tail -n 20 /var/log/skiff.log"
  waitFor logSaysReady
}

logSaysReady() {
  case $arguments in *disable-agent*) sign='^API: ' ;; *) sign='^node .* is Ready' ;; esac
  ! grep -q "$sign" /var/log/skiff.log || return 0
  [ $waited -lt 3 ] || running || return 2
  return 1
}

waitFor() {
  printf '== waiting for the node to be Ready '
  waited=0
  while :; do
    state=0; $1 || state=$?
    [ $state != 0 ] || break
    if [ $state = 2 ]; then echo; $logs >&2; fail "skiff has ended; what it said is above"; fi
    waited=$((waited + 1))
    if [ $waited -ge 180 ]; then echo; $logs >&2; fail "the node did not become Ready in three minutes; the end of the log is above"; fi
    printf .; sleep 1
  done
  echo " Ready"
}

whatNext() {
  if [ $command = agent ]; then
    printf '\nskiff runs, and this machine is a node of the cluster: `skiff kubectl get nodes` on the server shows it.\n\n'
  else
    cat <<EOF

skiff runs. What to do next:

  skiff kubectl get nodes                          (or: export KUBECONFIG=/etc/skiff/skiff.yaml; kubectl get nodes)
  skiff kubectl create deployment hello --image=skiff/hello
  skiff kubectl expose deployment hello --port=80 --target-port=8080
  skiff kubectl get pods,services

EOF
  fi
  cat <<EOF
To stop it and remove what it made:  skiff-killall.sh
To take it off this machine:         skiff-uninstall.sh
EOF
}

main() {
  bin=${INSTALL_SKIFF_BIN_DIR:-/usr/local/bin}
  units=${INSTALL_SKIFF_SYSTEMD_DIR:-/etc/systemd/system}
  systemd=; [ ! -d /run/systemd/system ] || systemd=yes
  changed=
  checkout=
  case $0 in */install.sh | install.sh) checkout=$(cd "$(dirname "$0")" && pwd); [ -f "$checkout/tsup.config.ts" ] || checkout= ;; esac
  eval "set -- $(escaped "${INSTALL_SKIFF_EXEC:-}") \"\$@\""

  refuseForeignSystems
  [ "$(id -u)" = 0 ] || fail "needs root: run it with sudo"
  chooseService "$@"
  mkdir -p "$bin" 2>/dev/null && work=$(mktemp -d "$bin/.skiff-install.XXXXXX" 2>/dev/null) ||
    fail "$bin cannot be written (is it on a read-only file system?): set INSTALL_SKIFF_BIN_DIR to a folder on the PATH that can"
  trap 'rm -rf "$work"' EXIT
  free=$(df -Pk "$bin" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -ge 200 ] || fail "the disk of $bin has $free MB free, and skiff needs 200 MB there: make room, or choose another place with INSTALL_SKIFF_BIN_DIR"

  obtain
  writeEnvironment "$work/environment"
  startDocker
  check
  installFiles
  if [ -n "$systemd" ]; then startUnderSystemd; else startInBackground; fi
  isOn "${INSTALL_SKIFF_SKIP_START:-}" || isOn "${INSTALL_SKIFF_SKIP_ENABLE:-}" || whatNext
}

main "$@"
