import { isDeepStrictEqual } from "node:util";
import { isNodesToSay } from "../../api/node-labels.ts";
import type { AnyObject } from "../../api/object.ts";
import { forbidden, type StatusError } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { nodeNameOf } from "../authorize/node.ts";
import type { UserInfo } from "../user.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { isOn, podRefusal } from "./node-pods.ts";
import { volumeRefusal } from "./node-volumes.ts";

const leaseNamespace = "kube-node-lease";

/** A node changes itself, the pods bound to it, and its lease: nothing of another node's (Kubernetes docs, "NodeRestriction"). */
export function nodeRestriction({ store }: { readonly store: Store }): AdmissionStep {
  return {
    name: "NodeRestriction",
    judgesParts: true,
    validate(review) {
      const node = nodeNameOf(review.call.user);
      if (node === undefined) return;
      const why = refusalFor(node, review, store);
      if (why !== undefined) throw refused(review, why);
    },
  };
}

function refused({ call, object }: Review, why: string): StatusError {
  return forbidden(call.resource.name, call.name ?? object?.metadata.name ?? "", why);
}

function refusalFor(node: string, review: Review, store: Store): string | undefined {
  const { call, object, operation } = review;
  const name = call.name ?? object?.metadata.name ?? "";
  switch (call.resource.bucket) {
    case "nodes":
      if (operation === "DELETE")
        return `node ${JSON.stringify(node)} is not allowed to delete node ${JSON.stringify(name)}`;
      return name === node
        ? nodeRefusal(node, review)
        : `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
    case "pods":
      return podRefusal(node, review, store);
    case "persistentvolumes":
      return volumeRefusal(node, review, store);
    case "persistentvolumeclaims":
      return claimRefusal(node, review);
    case "leases.coordination.k8s.io":
      if (call.namespace !== leaseNamespace)
        return `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`;
      return name === node ? undefined : "can only access node lease with the same name as the requesting node";
    case "csinodes.storage.k8s.io":
      return name === node ? undefined : "can only access CSINode with the same name as the requesting node";
    default:
      return undefined;
  }
}

/** A node says how large a claim's volume has become, and nothing else of it. */
function claimRefusal(node: string, { call, object, old, operation }: Review): string | undefined {
  if (call.subresource !== "status") return `may only update PVC status`;
  if (operation !== "UPDATE") return `unexpected operation ${JSON.stringify(operation)}`;
  return isDeepStrictEqual(withoutGrowth(object), withoutGrowth(old))
    ? undefined
    : `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`;
}

function withoutGrowth(claim: AnyObject | undefined): object {
  const { metadata = {}, status = {}, ...rest } = (claim ?? {}) as { metadata?: object; status?: object };
  const { resourceVersion: _v, managedFields: _m, ...kept } = metadata as Record<string, unknown>;
  const {
    capacity: _c,
    conditions: _d,
    allocatedResourceStatuses: _s,
    allocatedResources: _r,
    ...state
  } = status as Record<string, unknown>;
  return { ...rest, metadata: kept, status: state };
}

/** A node steers no pods to itself: what the scheduler goes by is not the node's to change. */
function nodeRefusal(node: string, { object, old, operation }: Review): string | undefined {
  if (!object) return undefined;
  const who = `node ${JSON.stringify(node)}`;
  const forbidden = changedKeys(object.metadata.labels, old?.metadata.labels)
    .filter((key) => !isNodesToSay(key))
    .sort();
  const source = configSourceOf(object);
  if (operation === "CREATE" && source !== undefined)
    return `${who} is not allowed to create pods with a non-nil configSource`;
  if (source !== undefined && !isDeepStrictEqual(source, old && configSourceOf(old)))
    return `${who} is not allowed to update configSource to a new non-nil configSource`;
  if (operation === "CREATE")
    return forbidden.length > 0
      ? `${who} is not allowed to set the following labels: ${forbidden.join(", ")}`
      : undefined;
  if (!isDeepStrictEqual(taintsOf(object), taintsOf(old))) return `${who} is not allowed to modify taints`;
  return forbidden.length > 0 ? `is not allowed to modify labels: ${forbidden.join(", ")}` : undefined;
}

const configSourceOf = ({ spec }: AnyObject): unknown =>
  (spec as { configSource?: object | null } | undefined)?.configSource ?? undefined;

const taintsOf = (node: AnyObject | undefined): readonly unknown[] =>
  (node?.spec as { taints?: readonly unknown[] | null } | undefined)?.taints ?? [];

type Labels = Readonly<Record<string, string>> | undefined;

function changedKeys(after: Labels = {}, before: Labels = {}): string[] {
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].filter((key) => after[key] !== before[key]);
}

interface PodReference {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** Why a user may not have a token for this object; undefined when it may. A node gets tokens for its own pods only. */
export function tokenRefusal(
  user: UserInfo,
  bound: PodReference | null | undefined,
  podNamed: (name: string) => AnyObject | undefined,
): string | undefined {
  const node = nodeNameOf(user);
  if (node === undefined) return undefined;
  if (bound?.apiVersion !== "v1" || bound.kind !== "Pod" || !bound.name)
    return "node requested token not bound to a pod";
  if (!bound.uid) return "node requested token with a pod binding without a uid";
  const pod = podNamed(bound.name);
  if (pod && pod.metadata.uid !== bound.uid)
    return `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  return pod && !isOn(pod, node) ? "node requested token bound to a pod scheduled on a different node" : undefined;
}
