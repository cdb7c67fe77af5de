/** A user who is known by a bearer token (Kubernetes docs, "Authenticating", section "Static token file"). */
export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly uid: string;
  readonly groups: string[];
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
