import type { Plugin } from "../plugin.ts";
import type { HostPort } from "../pod-info.ts";
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
        : change.of === "pod" && !change.after && clash(change.before?.hostPorts ?? [], hostPorts),
  };
}

function isTaken(node: NodeState, wanted: readonly HostPort[]): boolean {
  for (const { hostPorts } of node.pods.values()) if (clash(hostPorts, wanted)) return true;
  return false;
}

function clash(taken: readonly HostPort[], wanted: readonly HostPort[]): boolean {
  return taken.some((a) =>
    wanted.some(
      (b) =>
        a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === "0.0.0.0" || b.ip === "0.0.0.0"),
    ),
  );
}
