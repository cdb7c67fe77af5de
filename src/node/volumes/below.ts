import { relative } from "node:path";

/** Whether a path, free of links, is a directory or lies in it. */
export function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path);
  // The files of ConfigMaps and Secrets lie in a directory of the volume whose own name begins with two dots.
  return way !== ".." && !way.startsWith("../");
}
