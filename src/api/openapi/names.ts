/** How groups, versions and subresources are called in the names and tags of operations. */

/** "rbac.authorization.k8s.io" is RbacAuthorization, "" is Core. */
export function groupName(group: string): string {
  return (group || "core")
    .replace(/\.k8s\.io$/, "")
    .split(/[.-]/)
    .map(capital)
    .join("");
}

/** "apps_v1", under which tools gather the operations of a group's version; "apps" for those of the group itself. */
export function tagOf(group: string, version?: string): string {
  const name = groupName(group);
  const tag = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return version === undefined ? tag : `${tag}_${version}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
