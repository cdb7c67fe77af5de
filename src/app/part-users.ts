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

/**
 * Who a controller is: a service account in kube-system, as Kubernetes has a role for each controller, bound to an account of
 * its own; or, by its full name, one of Kubernetes' components ("system:kube-controller-manager").
 */
export function accountUser(account: string): PartUser {
  if (account === "system:apiserver") return userOf(account, ["system:masters"]);
  if (account.startsWith("system:")) return userOf(account);
  return userOf(`system:serviceaccount:kube-system:${account}`, [
    "system:serviceaccounts",
    "system:serviceaccounts:kube-system",
  ]);
}

/** A part that Kubernetes has no role for: the informers that all parts share read everything. */
export function partUser(part: string): PartUser {
  return userOf(`system:skiff:${part}`, ["system:masters"]);
}
