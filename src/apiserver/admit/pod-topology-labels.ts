import type { AnyObject } from "../../api/object.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { specOf } from "./pods.ts";

const copied = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"] as const;

/** Lets pods know in which zone and region their node is (Kubernetes docs, "Assigning Pods to Nodes", "Pod topology labels"). */
export function podTopologyLabels({ store }: { store: Store }): AdmissionStep {
  return {
    name: "PodTopologyLabels",
    judgesParts: true,
    mutate(review) {
      const { object } = review;
      const node = object && store.latest(`/nodes/${nodeOf(review, object)}`);
      if (!object || !node) return;
      const { labels = {} } = heldObject(node).metadata;
      const added = copied.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]] as const]));
      if (added.length > 0) object.metadata.labels = { ...Object.fromEntries(added), ...object.metadata.labels };
    },
  };
}

/** The node that a new pod begins on, or that a binding gives it; empty where there is none. */
function nodeOf({ call, operation }: Review, object: AnyObject): string {
  if (operation !== "CREATE" || call.resource.bucket !== "pods") return "";
  if (call.subresource === undefined) return specOf(object).nodeName ?? "";
  if (call.subresource !== "binding") return "";
  const { kind, name = "" } = (object.target ?? {}) as { readonly kind?: string; readonly name?: string };
  // The kind must be said here, though a binding does without.
  return kind === "Node" ? name : "";
}
