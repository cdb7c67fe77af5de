import type { NodeSelectorTerm, PodSpec, Taint, Toleration } from "./schema/types.ts";

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
    matchExpressions.every((expression) => fitsExpression(labels[expression.key], expression)) &&
    matchFields.every((expression) => fitsExpression(expression.key === "metadata.name" ? name : undefined, expression))
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

function fitsExpression(
  value: string | undefined,
  { operator, values = [] }: { operator: string; values?: string[] },
): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
      const [is, bound] = [BigInt(value), BigInt(values[0] ?? "0")];
      return operator === "Gt" ? is > bound : is < bound;
    }
    default:
      return false;
  }
}
