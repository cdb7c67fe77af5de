import { parseIp } from "../../../base/ip.ts";
import type { FieldError, Path } from "../../field.ts";
import type { ContainerStatus, Pod, PodStatus } from "../../schema/types.ts";
import { validateIp } from "../../validate/addresses.ts";
import { dnsSubdomain, qualifiedName } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";

const ownConditions = new Set(["PodScheduled", "Ready", "Initialized"]);

/** What a report on a pod may not say. */
export function validatePodStatus(pod: Pod, old: Pod, root: Path): FieldError[] {
  const status: PodStatus = pod.status ?? {};
  const before: PodStatus = old.status ?? {};
  const at = root.child("status");
  const errors = (status.conditions ?? []).flatMap(({ type = "" }, i) =>
    ownConditions.has(type)
      ? []
      : validateText(qualifiedName, type, root.child("metadata", "conditions").index(i).child("Type")),
  );
  if (status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName)
    errors.push(...validateText(dnsSubdomain, status.nominatedNodeName, at.child("nominatedNodeName")));
  if ((status.qosClass ?? "") !== (before.qosClass ?? ""))
    errors.push(at.child("qosClass").invalid(status.qosClass ?? "", "field is immutable"));
  return [...errors, ...validateTransitions(status, old, at), ...validateAddresses(status, at)];
}

/** A container that ended for good does not run again. */
function validateTransitions(status: PodStatus, { spec, status: before = {} }: Pod, at: Path): FieldError[] {
  const sidecars = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name),
  );
  // A container's own restart policy, or its rules, may bring it back.
  for (const { name, restartPolicy } of spec.containers ?? []) if (restartPolicy !== undefined) sidecars.add(name);
  return (["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const).flatMap((list) => {
    const policy = list === "ephemeralContainerStatuses" ? "Never" : (spec.restartPolicy ?? "Always");
    if (policy === "Always") return [];
    const next = new Map((status[list] ?? []).map((container) => [container.name, container]));
    return (before[list] ?? []).flatMap((container, i) =>
      isFinal(container, policy) && !sidecars.has(container.name) && isBack(next.get(container.name))
        ? [at.child(list).index(i).child("state").forbidden("may not be transitioned to non-terminated state")]
        : [],
    );
  });
}

function isFinal({ state }: ContainerStatus, policy: string): boolean {
  if (!state?.terminated) return false;
  return state.terminated.exitCode === 0 || policy !== "OnFailure";
}

function isBack(container: ContainerStatus | undefined): boolean {
  return container !== undefined && !container.state?.terminated;
}

function validateAddresses({ podIPs = [], hostIP = "", hostIPs = [] }: PodStatus, at: Path): FieldError[] {
  const errors = validateList(podIPs, at.child("podIPs"));
  if (hostIPs[0] && hostIPs[0].ip !== hostIP)
    errors.push(at.child("hostIPs").index(0).child("ip").invalid(hostIPs[0].ip, "must be equal to `hostIP`"));
  return [...errors, ...validateList(hostIPs, at.child("hostIPs"))];
}

function validateList(list: readonly { ip?: string }[], at: Path): FieldError[] {
  const errors = list.flatMap(({ ip = "" }, i) => validateIp(ip, at.index(i)));
  if (list.length < 2) return errors;
  const shown = list.map(({ ip = "" }) => ({ IP: ip }));
  if (new Set(list.map(({ ip = "" }) => parseIp(ip)?.family)).size < 2 || list.length > 2)
    errors.push(at.invalid(shown, "may specify no more than one IP for each IP family"));
  for (const [i, { ip }] of list.entries())
    if (list.findIndex((other) => other.ip === ip) < i) errors.push(at.index(i).duplicate(shown[i]));
  return errors;
}
