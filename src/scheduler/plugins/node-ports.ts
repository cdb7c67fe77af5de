import { type HostPort, portsClash } from "../../api/host-ports.ts";
import type { Plugin } from "../plugin.ts";
import type { NodeState } from "../snapshot.ts";

const rejection = { reasons: ["node(s) didn't have free ports for the requested pod ports"], curable: true };

/** A port of the node can be had once. */
export function nodePorts(): Plugin {
  return {
    name: "NodePorts",
    filter({ hostPorts }) {
      if (hostPorts.length === 0) return undefined;
      return { sort: "nodes", rejects: (node) => (isTaken(node, hostPorts) ? rejection : undefined) };
    },
    mayHelp: ({ hostPorts }, change) =>
      change.of === "node"
        ? !change.before && change.after !== undefined
        : change.of === "pod" && !change.after && portsClash(change.before?.hostPorts ?? [], hostPorts),
  };
}

function isTaken(node: NodeState, wanted: readonly HostPort[]): boolean {
  for (const { hostPorts } of node.pods.values()) if (portsClash(hostPorts, wanted)) return true;
  return false;
}
