import type { Plugin } from "../plugin.ts";

/** A pod that names its node goes nowhere else. */
export function nodeName(): Plugin {
  return {
    name: "NodeName",
    filter({ spec }) {
      if (!spec.nodeName) return undefined;
      const rejection = { reasons: ["node(s) didn't match the requested node name"], curable: false };
      return { sort: "nodes", rejects: (node) => (node.name === spec.nodeName ? undefined : rejection) };
    },
    mayHelp: (_pod, change) => change.of === "node" && !change.before,
  };
}
