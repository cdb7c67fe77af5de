import { nodeFitsTerm, nodeIsAllowed } from "../../api/node-selection.ts";
import type { Node, NodeAffinity, NodeSelectorTerm } from "../../api/schema/types.ts";
import { inProportion, type Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";

export interface NodeAffinityArguments {
  /** Asked of the nodes of every pod, on top of what the pod itself asks. */
  readonly addedAffinity?: NodeAffinity;
}

const rejection = { reasons: ["node(s) didn't match Pod's node affinity/selector"], curable: false };
const notForAny = { reasons: ["node(s) didn't match scheduler-enforced node affinity"], curable: false };

interface Selectable {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Node selectors and node affinity (Kubernetes docs, "Assigning Pods to Nodes"). */
export function nodeAffinity({ addedAffinity }: NodeAffinityArguments = {}): Plugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isForAny = (node: Selectable): boolean => !added || added.some((term) => nodeFitsTerm(node, term));
  const addedPreferences = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: "NodeAffinity",
    filter(pod) {
      const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
      if (!terms && !pod.spec.nodeSelector && !added) return undefined;
      const only = terms && namedNodes(terms);
      if (only?.size === 0) return { sort: "nowhere", reason: "pod affinity terms conflict" };
      return {
        sort: "nodes",
        rejects(node) {
          if (!isForAny(node)) return notForAny;
          return nodeIsAllowed(pod, node) ? undefined : rejection;
        },
        ...(only && { only }),
      };
    },
    score({ spec }) {
      const own = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const preferred = [...addedPreferences, ...own];
      if (preferred.length === 0) return undefined;
      return {
        score: (node) =>
          preferred.reduce((sum, { weight, preference }) => sum + (nodeFitsTerm(node, preference) ? weight : 0), 0),
        normalize: (scores) => inProportion(scores),
      };
    },
    mayHelp(pod, change) {
      if (change.of !== "node" || !change.after) return false;
      const allows = (node: Node): boolean => isForAny(selectable(node)) && allowsNode(pod, node);
      return allows(change.after) && !(change.before && allows(change.before));
    },
  };
}

const selectable = ({ metadata: { name, labels = {} } }: Node): Selectable => ({ name, labels });
const allowsNode = (pod: PodInfo, node: Node): boolean => nodeIsAllowed(pod, selectable(node));

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
