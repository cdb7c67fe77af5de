import { hostPortsOf, portsClash } from "../../api/host-ports.ts";
import { isTolerated, nodeIsAllowed } from "../../api/node-selection.ts";
import type { Container, Node, Pod } from "../../api/schema/types.ts";
import type { Allocations, Shortage } from "../allocations.ts";
import { isEvictable } from "../pressure/decide.ts";
import { isStatic } from "../static-pods/read.ts";
import { isCritical } from "./critical.ts";
import { qosClassOf } from "./resources.ts";
import type { StartTrouble } from "./status.ts";

/** Why this node does not run a pod that was bound to it: the reason and the message of its status. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
  /** What a critical pod may be made room for: nothing else is in its way. */
  readonly shortages?: readonly Shortage[];
}

/** Sysctls that are a pod's own business (Kubernetes docs, "Using sysctls in a Kubernetes Cluster", section "Safe and Unsafe Sysctls"). */
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

export interface Admitting {
  readonly allocations: Allocations;
  readonly pressure: () => ReadonlySet<string>;
  /** This node as the API last showed it; what it says of labels and taints counts for nothing before. */
  readonly node: () => Node | undefined;
}

/** Asked once, before anything of the pod is made: a pod that runs is not sent away. */
export function rejectionOf(pod: Pod, { allocations, pressure, node }: Admitting): Rejection | undefined {
  if (pod.status?.startTime) return undefined;
  const pressing = pressingOn(pod, pressure());
  if (pressing.length > 0) return { reason: "Evicted", message: `The node had condition: [${pressing.join(" ")}]. ` };
  const sysctl = forbiddenSysctl(pod);
  if (sysctl) return { reason: "SysctlForbidden", message: `forbidden sysctl: ${sysctl}` };
  const unfit = otherSystem(pod) ?? strictGroups(pod);
  if (unfit) return unfit;
  const overload = allocations.overload(pod.metadata.uid ?? "", pod.spec);
  // Others make room for a critical pod only where it can run then.
  return overload && !isCritical(pod) ? overload : (misplaced(pod, allocations, node()) ?? overload);
}

/**
 * Why nothing of a pod is made although it may stay: without AppArmor it would have less protection than it asks for (Kubernetes docs,
 * "Restrict a Container's Access to Resources with AppArmor"). What runs already is not asked.
 */
export function blockOf({ spec, status }: Pod, { appArmor }: { appArmor: boolean }): StartTrouble | undefined {
  if (appArmor || (status?.phase ?? "Pending") !== "Pending") return undefined;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const asks = ({ securityContext }: Pick<Container, "securityContext"> | Pick<Pod["spec"], "securityContext">) =>
    (securityContext?.appArmorProfile?.type ?? "Unconfined") !== "Unconfined";
  if (![spec, ...containers].some(asks)) return undefined;
  return { reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" };
}

/** Whoever binds a pod past the scheduler is told what the scheduler would have said. */
function misplaced(pod: Pod, allocations: Allocations, node: Node | undefined): Rejection | undefined {
  const failed = (reason: string, why: string): Rejection => ({
    reason,
    message: `Predicate ${reason} failed: ${why}`,
  });
  if (node) {
    const { name, labels = {} } = node.metadata;
    if (!nodeIsAllowed(pod, { name, labels }))
      return failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  }
  if (portsClash(allocations.takenPorts(pod.metadata.uid ?? ""), hostPortsOf(pod.spec)))
    return failed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
  const taints = (node?.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  if (!isStatic(pod) && taints.some((taint) => !isTolerated(taint, pod.spec.tolerations)))
    return failed("TaintToleration", "node(s) had untolerated taint(s)");
  return undefined;
}

/** Docker leaves the groups out that an image gives its user only where the group of the container is said. */
function strictGroups({ spec }: Pod): Rejection | undefined {
  const { supplementalGroupsPolicy, runAsGroup } = spec.securityContext ?? {};
  const isSaid = ({ securityContext }: Container) => (securityContext?.runAsGroup ?? runAsGroup) !== undefined;
  if (supplementalGroupsPolicy !== "Strict" || [...(spec.initContainers ?? []), ...spec.containers].every(isSaid))
    return undefined;
  return {
    reason: "SupplementalGroupsPolicyNotSupported",
    message: "SupplementalGroupsPolicy=Strict is not supported in this node",
  };
}

function otherSystem({ metadata, spec }: Pod): Rejection | undefined {
  if ((metadata.labels?.["kubernetes.io/os"] ?? "linux") !== "linux")
    return {
      reason: "PodOSSelectorNodeLabelDoesNotMatch",
      message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    };
  if ((spec.os?.name ?? "linux") !== "linux")
    return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  return undefined;
}

/** The shortages for which this pod would be the first to go: where only memory is short, a pod that asked for some may come. */
function pressingOn(pod: Pod, conditions: ReadonlySet<string>): readonly string[] {
  if (!isEvictable(pod)) return [];
  const onlyMemory = conditions.size === 1 && conditions.has("MemoryPressure");
  const tolerated = (pod.spec.tolerations ?? []).some(
    ({ key, effect = "NoSchedule" }) => key === "node.kubernetes.io/memory-pressure" && effect === "NoSchedule",
  );
  return onlyMemory && (qosClassOf(pod) !== "BestEffort" || tolerated) ? [] : [...conditions].sort();
}

function forbiddenSysctl({ spec }: Pod): string | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const plain = withDots(name);
    if (!safeSysctls.has(plain)) return `"${plain}" not allowlisted`;
    if (plain.startsWith("net.") && spec.hostNetwork) return `"${plain}" not allowed with host net enabled`;
    if (plain.startsWith("kernel.shm") && spec.hostIPC) return `"${plain}" not allowed with host ipc enabled`;
  }
  return undefined;
}

/** The first separator decides: after a slash, slashes are between the parts, and dots stand for themselves (sysctl.d(5)). */
function withDots(name: string): string {
  if (!/^[^.]*\//.test(name)) return name;
  return name.replaceAll(/[./]/g, (each) => (each === "." ? "/" : "."));
}
