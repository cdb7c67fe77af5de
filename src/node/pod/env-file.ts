import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isBelow } from "../volumes/below.ts";

/** A file of variables is not as it has to be. */
export class EnvFileError extends Error {
  override readonly name = "EnvFileError";
}

/** The value of a variable in a file of a volume; "" when it has none. @throws {EnvFileError}, or what reading the file says */
export async function readEnvFile(volume: string, { path, key }: { path: string; key: string }): Promise<string> {
  const [root, file] = await Promise.all([realpath(volume), realpath(join(volume, path))]);
  if (!isBelow(root, file)) throw new EnvFileError(`${path} leads out of its volume`);
  return valueIn(await readFile(file, "utf8"), key);
}

const whitespace = /^[ \t]+/;

/**
 * Kubernetes docs, "Define Environment Variable Values Using An Init Container", section "Env File Syntax": a strict part of
 * what shells read, in which values stand in single quotes.
 */
export function valueIn(text: string, key: string): string {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const wrong = (at: number, what: string) => new EnvFileError(`line ${at + 1}: ${what}`);
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").replace(whitespace, "");
    if (line === "" || line.startsWith("#")) continue;
    const [name = "", ...rest] = line.split("=");
    if (rest.length === 0) throw wrong(at, "there is no '='");
    if (name.trimEnd() === "") throw wrong(at, "the variable has no name");
    if (/[ \t]$/.test(name)) throw wrong(at, "there is whitespace before '='");
    const value = rest.join("=");
    // As in a shell: what stands behind a space is no part of the assignment.
    if (whitespace.test(value)) {
      if (name === key) return "";
      continue;
    }
    if (!value.startsWith("'")) throw wrong(at, "the value is not in single quotes");
    const begun = at;
    let quoted = value.slice(1);
    while (!quoted.includes("'")) {
      at++;
      const next = lines[at];
      if (next === undefined) throw wrong(begun, "the quote is not closed");
      quoted += `\n${next}`;
    }
    const close = quoted.indexOf("'");
    const behind = quoted.slice(close + 1).replace(whitespace, "");
    if (behind !== "" && !behind.startsWith("#")) throw wrong(at, "something stands behind the closing quote");
    if (name === key) return quoted.slice(0, close);
  }
  return "";
}
