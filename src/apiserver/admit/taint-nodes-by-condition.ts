import type { AdmissionStep } from "./admission.ts";

const key = "node.kubernetes.io/not-ready";
const effect = "NoSchedule";

/** A new node gets no pods before it has said that it is ready. */
export function taintNodesByCondition(): AdmissionStep {
  return {
    name: "TaintNodesByCondition",
    mutate({ call, operation, object }) {
      if (operation !== "CREATE" || call.resource.bucket !== "nodes" || call.subresource || !object) return;
      object.spec ??= {};
      const spec = object.spec as { taints?: { key: string; effect: string }[] };
      if (spec.taints?.some((taint) => taint.key === key && taint.effect === effect)) return;
      spec.taints = [...(spec.taints ?? []), { key, effect }];
    },
  };
}
