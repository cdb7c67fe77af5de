import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";

/** A manifest file as it was found. */
export interface ManifestFile {
  readonly path: string;
  /** Its name without directories and ending: that of its Addon. */
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
  /** It changed while it was read, or just before: `text` may be half of what it will be. */
  readonly isBeingWritten: boolean;
}

/** Somebody who writes a file comes back to it sooner than this. */
const writingMs = 150;

const endings = new Set([".yaml", ".yml", ".json"]);

/** The manifest files of a directory and those inside it, by path; without those beside which lies a file NAME.skip. */
export async function manifestFiles(directory: string, clock: Clock): Promise<readonly ManifestFile[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const all = new Set(paths);
  const wanted = paths.filter((path) => endings.has(extname(path)) && !all.has(`${path}.skip`)).sort();
  return Promise.all(
    wanted.map(async (path) => {
      const beganMs = clock.now();
      const text = await readFile(path, "utf8");
      const checksum = createHash("sha256").update(text).digest("hex");
      const { mtimeMs } = await stat(path);
      // A clock that was set leaves files behind that change in the future: nobody writes those.
      const isBeingWritten = mtimeMs > beganMs - writingMs && mtimeMs < clock.now() + writingMs;
      return { path, name: basename(path, extname(path)).toLowerCase(), text, checksum, isBeingWritten };
    }),
  );
}
