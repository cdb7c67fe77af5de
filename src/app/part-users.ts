/** Who a part of this process is to the API server (apiserver/user.ts). */
export interface PartUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** A user with the rights that RBAC gives it: components whose default roles are Kubernetes' own. */
export function userOf(name: string, groups: readonly string[] = []): PartUser {
  return { name, uid: "", groups: [...groups, "system:authenticated"], extra: {} };
}

/** A part that Kubernetes has no role for: the shared informers read everything, the controllers act for all their kinds. */
export function partUser(part: string): PartUser {
  return userOf(`system:skiff:${part}`, ["system:masters"]);
}
