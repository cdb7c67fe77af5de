import type { NodeSelectorTerm, PodSpec, Taint, Toleration } from "./schema/types.ts";
import { fulfils } from "./selector.ts";

/** What selectors ask of a node. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a pod's node selector and required node affinity allow the node (Kubernetes docs, "Assigning Pods to Nodes"). */
export function nodeIsAllowed({ spec }: { readonly spec: PodSpec }, node: SelectableNode): boolean {
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (node.labels[key] !== value) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => nodeFitsTerm(node, term));
}

/** Whether the node fits a term of a node selector: all of its expressions and fields. An empty term fits nothing. */
export function nodeFitsTerm({ labels, name }: SelectableNode, term: NodeSelectorTerm): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((expression) => fulfils(labels[expression.key], expression)) &&
    matchFields.every((expression) => fulfils(expression.key === "metadata.name" ? name : undefined, expression))
  );
}

/** Whether some toleration fits the taint (Kubernetes docs, "Taints and Tolerations", section "Concepts"). */
export function isTolerated(taint: Pick<Taint, "key" | "value" | "effect">, tolerations: readonly Toleration[] = []) {
  return tolerations.some(
    ({ key, operator, value, effect }) =>
      (!effect || effect === taint.effect) &&
      (!key || key === taint.key) &&
      (operator === "Exists" || ((!operator || operator === "Equal") && (value ?? "") === (taint.value ?? ""))),
  );
}
