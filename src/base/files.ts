import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Passed to `catch` of a look at a file: absent is an answer, undefined; a file that is there and cannot be read is an error.
 * ENOTDIR says the same of a path that leads through a file.
 */
export function ifAbsent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
}

/** The file's text, or undefined when there is none. Other errors are thrown. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Replaces a file as a whole: after a crash there is the old text or the new one, never a part. Readable by its owner
 * only unless `mode` says otherwise; directories on the way are made with mode 0700.
 */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(4).toString("hex")}`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    // The system does not always say which file it could not write.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file });
  }
}

/** Replaces a file unless it is so already: a start with nothing new needs no room on the disk. */
export async function keepWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const isSo = (await readIfThere(file)) === text && ((await stat(file)).mode & 0o777) === mode;
  if (!isSo) await writeWhole(file, text, mode);
}

/** The file's text; where there is none, makes it, writes it and returns it. */
export async function readOrMake(file: string, make: () => Promise<string> | string): Promise<string> {
  const there = await readIfThere(file);
  if (there !== undefined) return there;
  const made = await make();
  await writeWhole(file, made);
  return made;
}
