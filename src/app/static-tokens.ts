import { readFile } from "node:fs/promises";
import { CannotStart } from "../base/lifecycle.ts";
import { messageOf } from "../base/log.ts";

/** A user who is known by a bearer token (Kubernetes docs, "Authenticating", section "Static token file"). */
export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly uid: string;
  readonly groups: string[];
}

/** The users of a token file; none without one. @throws {CannotStart} where it cannot be read or says something else */
export async function readStaticTokens(file: string | undefined): Promise<StaticToken[]> {
  if (file === undefined) return [];
  try {
    return staticTokensFrom(await readFile(file, "utf8"));
  } catch (error) {
    throw new CannotStart(`--token-auth-file=${file}: ${messageOf(error)}`);
  }
}

/**
 * Reads the CSV text of a token file: token, user, uid and, optionally, groups in quotes.
 * @throws {Error} naming the line, never showing its text
 */
export function staticTokensFrom(text: string): StaticToken[] {
  return text.split("\n").flatMap((line, at) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [, token, user, uid, quoted, plain] =
      /^([^,"]+),([^,"]+),([^,"]*)(?:,(?:"([^"]*)"|([^,"]*)))?$/.exec(line.trim()) ?? [];
    if (!token || !user) throw new Error(`line ${at + 1}: expected token,user,uid,"group,group"`);
    return [{ token, user, uid: uid ?? "", groups: (quoted ?? plain ?? "").split(",").filter(Boolean) }];
  });
}
