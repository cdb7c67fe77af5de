import { isTolerated } from "../../api/node-selection.ts";
import type { Node, Taint, Toleration } from "../../api/schema/types.ts";
import { inProportion, type Plugin } from "../plugin.ts";

const rejection = { reasons: ["node(s) had untolerated taint(s)"], curable: false };

/** Taints keep pods away that do not tolerate them (Kubernetes docs, "Taints and Tolerations"). */
export function taintToleration(): Plugin {
  return {
    name: "TaintToleration",
    filter: ({ spec }) => ({
      sort: "nodes",
      rejects: ({ node }) => (keepsAway(node, spec.tolerations) ? rejection : undefined),
    }),
    score({ spec }, _cluster, candidates) {
      if (!candidates.some(({ node }) => node.spec?.taints?.length)) return undefined;
      const relevant = (spec.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
      const disliked = (taint: Taint): boolean => taint.effect === "PreferNoSchedule" && !isTolerated(taint, relevant);
      return {
        score: ({ node }) => (node.spec?.taints ?? []).filter(disliked).length,
        normalize: (scores) => inProportion(scores, { smallIsGood: true }),
      };
    },
    ownChangeMayHelp: (before, after) =>
      JSON.stringify(before.spec.tolerations) !== JSON.stringify(after.spec.tolerations),
    mayHelp({ spec }, change) {
      if (change.of !== "node" || !change.after) return false;
      const { before, after } = change;
      return !keepsAway(after, spec.tolerations) && (!before || keepsAway(before, spec.tolerations));
    },
  };
}

function keepsAway({ spec }: Node, tolerations: readonly Toleration[] | undefined): boolean {
  const forbids = (taint: Taint): boolean => taint.effect !== "PreferNoSchedule" && !isTolerated(taint, tolerations);
  return spec?.taints?.some(forbids) ?? false;
}
