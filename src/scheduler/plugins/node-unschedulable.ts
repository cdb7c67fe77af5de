import { isTolerated } from "../../api/node-selection.ts";
import type { Plugin } from "../plugin.ts";

const cordoned = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const rejection = { reasons: ["node(s) were unschedulable"], curable: false };

/** Nothing new goes to a cordoned node. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  filter({ spec }) {
    if (isTolerated(cordoned, spec.tolerations)) return undefined;
    return { sort: "nodes", rejects: ({ node }) => (node.spec?.unschedulable ? rejection : undefined) };
  },
  mayHelp: (_pod, change) => change.of === "node" && !change.after?.spec?.unschedulable,
};
