import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { must } from "./run.ts";

/** Where what the tests fetch and make is kept between runs. */
export const cache = resolve(import.meta.dirname, "../../.cache");

/**
 * Fetches Debian packages, with all they depend on where `closure` is set, without installing them; resolves with the
 * folder of .deb files. `release` names the release they are taken from ("bookworm", "sid").
 */
export async function fetchPackages(
  packages: readonly string[],
  { release, closure }: { release: string; closure: boolean },
): Promise<string> {
  const folder = join(cache, "debs", `${release}-${packages.join("+")}`);
  if (existsSync(join(folder, "complete"))) return folder;
  mkdirSync(join(folder, "partial"), { recursive: true });
  writeFileSync(join(folder, "status"), "");
  // An empty package status makes apt fetch everything; its own lists keep the machine's configuration as it is.
  const settings = [
    `Dir::State::status=${folder}/status`,
    `APT::Default-Release=${release}`,
    "APT::Sandbox::User=root",
    "Debug::NoLocking=1",
    ...(await listsOf(release)),
    // Behind the lists' own Dir::Cache: the last word counts.
    `Dir::Cache::archives=${folder}`,
  ].flatMap((setting) => ["-o", setting]);
  if (closure)
    await must("apt-get", [...settings, "--no-install-recommends", "-y", "-qq", "-d", "install", ...packages]);
  else await must("apt-get", [...settings, "-qq", "download", ...packages], { cwd: folder });
  writeFileSync(join(folder, "complete"), "");
  return folder;
}

/** Unpacks every .deb of a folder into `root`, without documentation. No maintainer script runs. */
export async function unpackPackages(folder: string, root: string): Promise<void> {
  mkdirSync(root, { recursive: true });
  const leaveOut = ["doc", "man", "locale"].map((name) => `--exclude=./usr/share/${name}`).join(" ");
  for (const deb of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
    await must("sh", [
      "-c",
      `dpkg-deb --fsys-tarfile "$1" | tar -C "$2" --keep-directory-symlink -x ${leaveOut}`,
      "sh",
      join(folder, deb),
      root,
    ]);
  }
}

/** Settings for package lists of the machine's own mirror, of one release, in a place of the project's own. */
async function listsOf(release: string): Promise<string[]> {
  const place = join(cache, "apt", release);
  for (const folder of ["lists/partial", "cache"]) mkdirSync(join(place, folder), { recursive: true });
  const mirror = await mirrorOf();
  writeFileSync(
    join(place, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${release} main\n`,
  );
  const settings = [
    `Dir::Etc::SourceList=${place}/sources.list`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State::Lists=${place}/lists`,
    `Dir::Cache=${place}/cache`,
    "APT::Sandbox::User=root",
  ];
  if (!existsSync(join(place, "updated"))) {
    await must("apt-get", [...settings.flatMap((setting) => ["-o", setting]), "-qq", "update"]);
    writeFileSync(join(place, "updated"), "");
  }
  return settings;
}

/** The address from which this machine gets its Debian packages. */
export async function mirrorOf(): Promise<string> {
  const lines = await must("apt-get", ["indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
  const sites = lines.split("\n").filter((site) => /debian\/?$/.test(site));
  const site = sites[0] ?? lines.split("\n").find(Boolean);
  if (!site) throw new Error("apt knows no mirror: run apt-get update");
  return site;
}
