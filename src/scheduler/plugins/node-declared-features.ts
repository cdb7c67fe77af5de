import type { PodSpec } from "../../api/schema/types.ts";
import type { Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";

/** What a pod may ask for that only some nodes can do, by the name under which nodes declare it. */
const features: Readonly<Record<string, (spec: PodSpec) => boolean>> = {
  RestartAllContainersOnContainerExits: ({ containers, initContainers = [] }) =>
    [...containers, ...initContainers].some(({ restartPolicyRules }) =>
      restartPolicyRules?.some(({ action }) => action === "RestartAllContainers"),
    ),
};

const rejection = { reasons: ["node(s) didn't match Pod's required features"], curable: false };

/** Pods that need what not every node can do go where it is declared. */
export function nodeDeclaredFeatures(): Plugin {
  return {
    name: "NodeDeclaredFeatures",
    filter(pod) {
      const needed = neededBy(pod);
      if (needed.length === 0) return undefined;
      return {
        sort: "nodes",
        rejects: ({ node: { status } }) =>
          needed.every((name) => status?.declaredFeatures?.includes(name)) ? undefined : rejection,
      };
    },
    mayHelp: (_pod, change) =>
      change.of === "node" &&
      change.before?.status?.declaredFeatures?.join() !== change.after?.status?.declaredFeatures?.join(),
  };
}

function neededBy({ spec }: PodInfo): string[] {
  return Object.entries(features).flatMap(([name, needs]) => (needs(spec) ? [name] : []));
}
