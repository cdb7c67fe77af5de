import type { NodeSelectorTerm } from "./schema/types.ts";
import { labelValue } from "./validate/names.ts";

/** What is said of labels of nodes that have had another name since, or none (Kubernetes docs, "Well-Known Labels"). */
const outdatedLabels: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

/** Warnings for labels that nodes are chosen by: `place` says where a label stands. */
export function labelWarnings(labels: Iterable<string>, place: (label: string) => string): string[] {
  return [...labels]
    .sort()
    .flatMap((label) => (outdatedLabels[label] ? [`${place(label)}: ${outdatedLabels[label]}`] : []));
}

/** Warnings for the labels that requirements name, where the label's name is repeated. `at`: the place of the requirement. */
export function requirementWarnings(key: string | undefined, at: string): string[] {
  return key !== undefined && outdatedLabels[key] ? [`${at}: ${key} is ${outdatedLabels[key]}`] : [];
}

/** Warnings for a term by which nodes are chosen; with `checkValues` also for values that no label can have. */
export function termWarnings(term: NodeSelectorTerm | undefined, { checkValues = false }, at: string): string[] {
  return (term?.matchExpressions ?? []).flatMap(({ key, values = [] }, i) => [
    ...requirementWarnings(key, `${at}.matchExpressions[${i}].key`),
    ...(checkValues ? values : []).flatMap((value, j) =>
      labelValue(value).map((wrong) => `${at}.matchExpressions[${i}].values[${j}]: ${value} is invalid, ${wrong}`),
    ),
  ]);
}
