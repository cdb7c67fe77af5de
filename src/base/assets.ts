import { getAsset, getRawAsset, isSea } from "node:sea";

/**
 * A file that the build put into the executable. Undefined when skiff runs from its sources: the caller knows where the
 * same thing lies there. @throws {Error} when the executable was built without it
 */
export function assetBytes(name: string): Uint8Array | undefined {
  return isSea() ? new Uint8Array(getRawAsset(name)) : undefined;
}

/** The same as text. */
export function assetText(name: string): string | undefined {
  return isSea() ? getAsset(name, "utf8") : undefined;
}
