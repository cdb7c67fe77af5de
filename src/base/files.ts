/**
 * Passed to `catch` of a look at a file: absent is an answer, undefined; a file that is there and cannot be read is an error.
 * ENOTDIR says the same of a path that leads through a file.
 */
export function ifAbsent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
}
