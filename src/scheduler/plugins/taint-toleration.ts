import { isDeepStrictEqual } from "node:util";
import { isTolerated } from "../../api/node-selection.ts";
import type { Taint } from "../../api/schema/types.ts";
import { inProportion, type Plugin } from "../plugin.ts";

const rejection = { reasons: ["node(s) had untolerated taint(s)"], curable: false };

/** Taints keep pods away that do not tolerate them (Kubernetes docs, "Taints and Tolerations"). */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  filter({ spec }) {
    const forbids = (taint: Taint): boolean =>
      taint.effect !== "PreferNoSchedule" && !isTolerated(taint, spec.tolerations);
    return { sort: "nodes", rejects: ({ node }) => (node.spec?.taints?.some(forbids) ? rejection : undefined) };
  },
  score({ spec }, _cluster, candidates) {
    if (!candidates.some(({ node }) => node.spec?.taints?.length)) return undefined;
    const relevant = (spec.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    const disliked = (taint: Taint): boolean => taint.effect === "PreferNoSchedule" && !isTolerated(taint, relevant);
    return {
      score: ({ node }) => (node.spec?.taints ?? []).filter(disliked).length,
      normalize: (scores) => inProportion(scores, { smallIsGood: true }),
    };
  },
  mayHelp: (_pod, change) =>
    change.of === "node" && !isDeepStrictEqual(change.before?.spec?.taints, change.after?.spec?.taints ?? []),
};
