import type { AnyObject } from "../../api/object.ts";
import { forbidden, type StatusError } from "../../api/status.ts";
import { nodeNameOf } from "../authorize/node.ts";
import type { AdmissionStep, Review } from "./admission.ts";

const mirror = "kubernetes.io/config.mirror";

/** A node changes itself, the pods bound to it, and its lease: nothing of another node's (Kubernetes docs, "NodeRestriction"). */
export function nodeRestriction(): AdmissionStep {
  return {
    name: "NodeRestriction",
    validate(review) {
      const node = nodeNameOf(review.call.user);
      if (node === undefined) return;
      const why = refusalFor(node, review);
      if (why !== undefined) throw refused(review, why);
    },
  };
}

function refused({ call, object }: Review, why: string): StatusError {
  return forbidden(call.resource.name, call.name ?? object?.metadata.name ?? "", why);
}

function refusalFor(node: string, review: Review): string | undefined {
  const { call, object, operation } = review;
  const name = call.name ?? object?.metadata.name ?? "";
  switch (call.resource.bucket) {
    case "nodes":
      if (operation === "DELETE")
        return `node ${JSON.stringify(node)} is not allowed to delete node ${JSON.stringify(name)}`;
      return name === node
        ? undefined
        : `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
    case "pods":
      return podRefusal(node, review);
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
  if (operation === "UPDATE" && call.subresource === "status")
    return old && isOn(old, node)
      ? undefined
      : `${who} can only update pod status for pods with spec.nodeName set to itself`;
  return undefined;
}

function isOn({ spec }: AnyObject, node: string): boolean {
  return (spec as { nodeName?: string } | undefined)?.nodeName === node;
}
