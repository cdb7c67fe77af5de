import { isDeepStrictEqual } from "node:util";
import type { ClusterRole, PolicyRule } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";

/** The rules of all roles that an aggregated role selects, selector by selector, by their names, each rule once (Kubernetes docs, "Aggregated ClusterRoles"). */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const { clusterRoleSelectors = [] } = role.aggregationRule ?? {};
  const others = all
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const parts = clusterRoleSelectors.flatMap((selector) =>
    others.filter(({ metadata }) => selects(selector, metadata.labels)),
  );
  const rules: PolicyRule[] = [];
  // A role without rules has null here: the field is always written.
  for (const rule of parts.flatMap(({ rules }) => rules ?? []))
    if (!rules.some((known) => isDeepStrictEqual(known, rule))) rules.push(rule);
  return rules;
}
