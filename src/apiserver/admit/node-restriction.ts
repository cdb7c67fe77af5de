import { isDeepStrictEqual } from "node:util";
import { isNodesToSay } from "../../api/node-labels.ts";
import type { AnyObject } from "../../api/object.ts";
import { forbidden, type StatusError } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { nodeNameOf } from "../authorize/node.ts";
import type { UserInfo } from "../user.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { volumeRefusal } from "./node-volumes.ts";

const mirror = "kubernetes.io/config.mirror";

/** A node changes itself, the pods bound to it, and its lease: nothing of another node's (Kubernetes docs, "NodeRestriction"). */
export function nodeRestriction({ store }: { readonly store: Store }): AdmissionStep {
  return {
    name: "NodeRestriction",
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
      return podRefusal(node, review);
    case "persistentvolumes":
      return volumeRefusal(node, review, store);
    case "leases.coordination.k8s.io":
      return name === node ? undefined : "can only access node lease with the same name as the requesting node";
    default:
      return undefined;
  }
}

function podRefusal(node: string, { call, object, old, operation }: Review): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  if (operation === "CREATE" && object) {
    if (object.metadata.annotations?.[mirror] === undefined)
      return `pod does not have ${JSON.stringify(mirror)} annotation, ${who} can only create mirror pods`;
    return isOn(object, node) ? undefined : `${who} can only create pods with spec.nodeName set to itself`;
  }
  if (operation === "DELETE")
    return old && isOn(old, node) ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
  if (operation === "UPDATE" && call.subresource === "status") {
    if (!old || !isOn(old, node)) return `${who} can only update pod status for pods with spec.nodeName set to itself`;
    return changedKeys(object?.metadata.labels, old.metadata.labels).length > 0
      ? `${who} cannot update labels through pod status`
      : undefined;
  }
  return undefined;
}

/** A node steers no pods to itself: what the scheduler goes by is not the node's to change. */
function nodeRefusal(node: string, { object, old, operation }: Review): string | undefined {
  if (!object) return undefined;
  const who = `node ${JSON.stringify(node)}`;
  const forbidden = changedKeys(object.metadata.labels, old?.metadata.labels)
    .filter((key) => !isNodesToSay(key))
    .sort();
  if (operation === "CREATE")
    return forbidden.length > 0
      ? `${who} is not allowed to set the following labels: ${forbidden.join(", ")}`
      : undefined;
  if (!isDeepStrictEqual(taintsOf(object), taintsOf(old))) return `${who} is not allowed to modify taints`;
  return forbidden.length > 0 ? `is not allowed to modify labels: ${forbidden.join(", ")}` : undefined;
}

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
  return pod && !isOn(pod, node) ? "node requested token bound to a pod scheduled on a different node" : undefined;
}

function isOn({ spec }: AnyObject, node: string): boolean {
  return (spec as { nodeName?: string } | undefined)?.nodeName === node;
}
