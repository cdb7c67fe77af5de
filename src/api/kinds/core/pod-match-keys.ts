import type { LabelSelector, Pod, PodAffinity } from "../../schema/types.ts";

/**
 * "Of my own revision": keys whose values are taken from the new pod's labels and become part of its selectors
 * (Kubernetes docs, "Assigning Pods to Nodes", section "matchLabelKeys").
 */
export function mergeMatchLabelKeys({ spec, metadata }: Pod): void {
  const labels = metadata.labels ?? {};
  const add = (selector: LabelSelector | undefined, keys: readonly string[] | undefined, operator: "In" | "NotIn") => {
    if (!selector) return;
    for (const key of keys ?? []) {
      const value = labels[key];
      if (value === undefined) continue;
      selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }];
    }
  };
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity])
    for (const term of affinity ? termsOf(affinity) : []) {
      add(term.labelSelector, term.matchLabelKeys, "In");
      add(term.labelSelector, term.mismatchLabelKeys, "NotIn");
    }
  for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints ?? [])
    add(labelSelector, matchLabelKeys, "In");
}

function termsOf(affinity: PodAffinity) {
  return [
    ...(affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ];
}
