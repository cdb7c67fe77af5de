import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cache, mirrorOf } from "./debian.ts";
import { must } from "./run.ts";

/** A small Debian as devices have it: systemd, Docker, and what skiff needs; neither a compiler nor npm. */
const packages = [
  ...["systemd", "systemd-sysv", "dbus", "procps", "kmod", "ca-certificates", "curl", "zstd"],
  ...["docker.io", "containerd", "runc", "iptables", "nftables", "iproute2", "conntrack"],
];
const leftOut = ["./dev", "./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache/apt/archives"];

// One of several test files that need it makes it: the others wait for the lock, and find it there.
const script = `
archive=$1 packages=$2 mirror=$3; shift 3
[ ! -e "$archive" ] || exit 0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror"
tar -C "$root" "$@" -cf "$archive.unfinished" .
mv "$archive.unfinished" "$archive"
`;

/** The archive of that Debian's file system; made with debootstrap at the first call, in two minutes, then kept. */
export async function systemdRoot(): Promise<string> {
  const key = createHash("sha256").update(packages.join()).digest("hex").slice(0, 12);
  const archive = join(cache, "images", `systemd-${key}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(join(cache, "images"), { recursive: true });
  const given = [archive, packages.join(), await mirrorOf(), ...leftOut.map((path) => `--exclude=${path}`)];
  await must("flock", [`${archive}.lock`, "sh", "-ec", script, "sh", ...given], { limitMs: 900_000 });
  return archive;
}
