import { restartRuleFor } from "../../api/restart-rules.ts";
import type { Container, EphemeralContainer, Pod } from "../../api/schema/types.ts";
import type { Container as RuntimeContainer } from "../runtime.ts";

/** A container of a pod's spec: what decides how it is run. */
export type ContainerRole = "init" | "sidecar" | "app" | "ephemeral";

export interface PodContainer {
  readonly role: ContainerRole;
  readonly spec: Container;
  /** Its place in the pod, as Events name it: "spec.containers{web}". */
  readonly fieldPath: string;
}

/** All containers of a pod's spec, init containers first. */
export function containersOf(pod: Pod): readonly PodContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [
    ...initContainers.map((spec) =>
      entry(spec.restartPolicy === "Always" ? "sidecar" : "init", spec, "initContainers"),
    ),
    ...containers.map((spec) => entry("app", spec, "containers")),
    ...ephemeralContainers.map((spec) => entry("ephemeral", spec, "ephemeralContainers")),
  ];
}

function entry(role: ContainerRole, spec: Container | EphemeralContainer, list: string): PodContainer {
  return { role, spec, fieldPath: `spec.${list}{${spec.name}}` };
}

/** The newest container of a name; the runtime lists newest first. */
export function newest(containers: readonly RuntimeContainer[], name: string): RuntimeContainer | undefined {
  return containers.find((container) => container.name === name);
}

/** Whether a container that has ended is to run again (Kubernetes docs, "Pod Lifecycle", section "Container restarts"). */
export function restartsAfter(pod: Pod, { role, spec }: PodContainer, exitCode: number): boolean {
  if (role === "ephemeral") return false;
  if (role === "sidecar") return true;
  const rule = restartRuleFor(spec.restartPolicyRules, exitCode);
  if (rule) return rule.action === "Restart";
  const policy = spec.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  // An init container that has done its work does not do it again.
  if (policy === "Always") return role === "app" || exitCode !== 0;
  return policy === "OnFailure" && exitCode !== 0;
}
