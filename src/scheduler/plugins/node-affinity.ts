import { isDeepStrictEqual } from "node:util";
import { nodeFitsTerm, nodeIsAllowed } from "../../api/node-selection.ts";
import type { NodeSelectorTerm } from "../../api/schema/types.ts";
import { inProportion, type Plugin } from "../plugin.ts";

const rejection = { reasons: ["node(s) didn't match Pod's node affinity/selector"], curable: false };

/** Node selectors and node affinity (Kubernetes docs, "Assigning Pods to Nodes"). */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  filter(pod) {
    const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    if (!terms && !pod.spec.nodeSelector) return undefined;
    const only = terms && namedNodes(terms);
    return {
      sort: "nodes",
      rejects: (node) => (nodeIsAllowed(pod, node) ? undefined : rejection),
      ...(only && { only }),
    };
  },
  score({ spec }) {
    const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred?.length) return undefined;
    return {
      score: (node) =>
        preferred.reduce((sum, { weight, preference }) => sum + (nodeFitsTerm(node, preference) ? weight : 0), 0),
      normalize: (scores) => inProportion(scores),
    };
  },
  mayHelp: (_pod, change) =>
    change.of === "node" && !isDeepStrictEqual(change.before?.metadata.labels, change.after?.metadata.labels),
};

/** The nodes that the terms name one by one; undefined when some term does not. */
function namedNodes(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const byName = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In");
    if (byName.length === 0) return undefined;
    const [first, ...others] = byName.map(({ values = [] }) => values);
    for (const name of first ?? []) if (others.every((values) => values.includes(name))) names.add(name);
  }
  return names;
}
