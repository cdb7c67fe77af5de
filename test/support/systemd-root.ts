import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cache, mirrorOf } from "./debian.ts";
import { must } from "./run.ts";

/** A small Debian as devices have it: systemd, Docker, and what skiff needs; neither a compiler nor npm. */
const packages = [
  ...["systemd", "systemd-sysv", "dbus", "procps", "kmod", "ca-certificates", "curl", "zstd"],
  ...["docker.io", "containerd", "runc", "iptables", "nftables", "iproute2", "conntrack"],
];
const leftOut = ["./dev", "./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache/apt/archives"];

/** The archive of that Debian's file system; made with debootstrap at the first call, in two minutes, then kept. */
export async function systemdRoot(): Promise<string> {
  const key = createHash("sha256").update(packages.join()).digest("hex").slice(0, 12);
  const archive = join(cache, "images", `systemd-${key}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(join(cache, "images"), { recursive: true });
  const root = mkdtempSync(join(tmpdir(), "skiff-debian-"));
  try {
    const options = ["--variant=minbase", `--include=${packages.join()}`];
    await must("debootstrap", [...options, "bookworm", root, await mirrorOf()], { limitMs: 900_000 });
    const unfinished = `${archive}.${process.pid}`;
    await must("tar", ["-C", root, ...leftOut.map((path) => `--exclude=${path}`), "-cf", unfinished, "."]);
    renameSync(unfinished, archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return archive;
}
