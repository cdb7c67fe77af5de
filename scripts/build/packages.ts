import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A package of npm's that is inside the executable. */
export interface BundledPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** As SPDX names it. */
  readonly licence: string;
}

/** The packages that the bundler's list of inputs names, and the native addon; by their names. */
export function bundledPackages(metafile: string): readonly BundledPackage[] {
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  const folders = new Set(
    Object.keys(inputs).flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
  );
  folders.add("node_modules/better-sqlite3");
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { folder, name, version, licence: license };
  });
}
