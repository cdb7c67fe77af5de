import { isLeaving } from "../../api/object.ts";
import type { Condition, IPAddress, ServiceCIDR } from "../../api/schema/types.ts";
import { type Cidr, cidrContains, parseCidr, parseIp } from "../../base/ip.ts";

export const finalizer = "networking.k8s.io/service-cidr-finalizer";

/** What the informers held; `cidr` is one of `cidrs`. */
export interface Observed {
  readonly cidr: ServiceCIDR;
  readonly cidrs: readonly ServiceCIDR[];
  readonly addresses: readonly IPAddress[];
  readonly nowMs: number;
}

/** `finalizers` and `ready` are there when they are to be written. */
export interface Decision {
  readonly finalizers?: readonly string[];
  readonly ready?: Pick<Condition, "status" | "reason" | "message">;
  readonly againMs?: number;
}

/** Those who give addresses see in this time that a range is leaving, and take none of it any more. */
const graceMs = 10_000;

const isReady = { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const isInUse = {
  status: "False",
  reason: "Terminating",
  message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

/** Keeps a range for as long as addresses lie in no other one (KEP-1880). */
export function decide({ cidr, cidrs, addresses, nowMs }: Observed): Decision {
  const { finalizers = [], deletionTimestamp } = cidr.metadata;
  if (!deletionTimestamp) {
    const isKept = finalizers.includes(finalizer);
    return { ...(!isKept && { finalizers: [...finalizers, finalizer] }), ...readyUnlessSo(cidr, isReady) };
  }
  if (!finalizers.includes(finalizer)) return {};
  const others = cidrs.filter((other) => other.metadata.name !== cidr.metadata.name && !isLeaving(other));
  if (isNeeded(cidr, others, addresses)) return readyUnlessSo(cidr, isInUse);
  const againMs = Date.parse(deletionTimestamp) + graceMs - nowMs;
  if (againMs > 0) return { againMs };
  return { finalizers: finalizers.filter((one) => one !== finalizer) };
}

function isNeeded(cidr: ServiceCIDR, others: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const elsewhere = others.flatMap(rangesOf);
  const alone = rangesOf(cidr).filter((range) => !elsewhere.some((other) => covers(other, range)));
  return addresses.filter(isGivenToService).some(({ metadata }) => {
    const ip = parseIp(metadata.name);
    if (!ip || !alone.some((range) => cidrContains(range, ip))) return false;
    return !elsewhere.some((range) => cidrContains(range, ip));
  });
}

export function rangesOf({ spec }: ServiceCIDR): Cidr[] {
  return (spec?.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);
}

/** Whether the address was given to a Service, rather than written down by somebody else. */
export function isGivenToService({ metadata }: IPAddress): boolean {
  return metadata.labels?.["ipaddress.kubernetes.io/managed-by"] === "ipallocator.k8s.io";
}

function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && cidrContains(outer, { family: inner.family, bits: inner.first });
}

function readyUnlessSo({ status }: ServiceCIDR, wanted: typeof isReady): Pick<Decision, "ready"> {
  const there = status?.conditions?.find(({ type }) => type === "Ready");
  const isSo = there?.status === wanted.status && there.message === wanted.message;
  return isSo ? {} : { ready: wanted };
}
