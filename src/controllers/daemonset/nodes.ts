import { isTolerated, nodeIsAllowed } from "../../api/node-selection.ts";
import type { DaemonSet, Node, Pod, PodSpec, Toleration } from "../../api/schema/types.ts";

/** What daemons bear that other pods do not: a daemon is often what makes a node whole again. */
export function daemonTolerations({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const added = [
    ["not-ready", "NoExecute"],
    ["unreachable", "NoExecute"],
    ["disk-pressure", "NoSchedule"],
    ["memory-pressure", "NoSchedule"],
    ["pid-pressure", "NoSchedule"],
    ["unschedulable", "NoSchedule"],
    ...(hostNetwork ? [["network-unavailable", "NoSchedule"]] : []),
  ].map(([name, effect]) => ({ key: `node.kubernetes.io/${name}`, operator: "Exists", effect }) as Toleration);
  const isSame = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? "") === (b.value ?? "");
  // One that is there already keeps its place, for as long as it is needed.
  const present = tolerations.map((one) => added.find((other) => isSame(one, other)) ?? one);
  return [...present, ...added.filter((one) => !present.includes(one))];
}

/** What a node is to a DaemonSet: a place for a pod, one where a pod may stay, or none. */
export type Suitability = "runs" | "keeps" | "refuses";

export function suitability({ spec }: DaemonSet, { metadata, spec: { taints = [] } = {} }: Node): Suitability {
  const podSpec = spec.template.spec ?? { containers: [] };
  if (podSpec.nodeName && podSpec.nodeName !== metadata.name) return "refuses";
  if (!nodeIsAllowed({ spec: podSpec }, { name: metadata.name, labels: metadata.labels ?? {} })) return "refuses";
  const tolerations = daemonTolerations(podSpec);
  const forbidding = taints.filter((taint) => taint.effect !== "PreferNoSchedule" && !isTolerated(taint, tolerations));
  if (forbidding.length === 0) return "runs";
  return forbidding.some(({ effect }) => effect === "NoExecute") ? "refuses" : "keeps";
}

/** The pod's node, or the one that it is meant for while the scheduler has not bound it. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms)
    for (const { key, operator, values } of matchFields)
      if (key === "metadata.name" && operator === "In" && values?.length === 1) return values[0];
  return undefined;
}
