import { isTolerated } from "../../api/node-selection.ts";
import type { Plugin } from "../plugin.ts";

const cordoned = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const rejection = { reasons: ["node(s) were unschedulable"], curable: false };

/** Nothing new goes to a cordoned node. */
export function nodeUnschedulable(): Plugin {
  return {
    name: "NodeUnschedulable",
    filter({ spec }) {
      if (isTolerated(cordoned, spec.tolerations)) return undefined;
      return { sort: "nodes", rejects: ({ node }) => (node.spec?.unschedulable ? rejection : undefined) };
    },
    mayHelp(_pod, change) {
      if (change.of !== "node" || !change.after) return false;
      const { before, after } = change;
      return !after.spec?.unschedulable && (!before || before.spec?.unschedulable === true);
    },
  };
}
