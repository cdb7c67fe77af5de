import type { AdmissionStep } from "./admission.ts";
import { isPodWrite, specOf, type Toleration } from "./pods.ts";

const seconds = 300;
const taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** Pods stay five minutes on a node that is lost, unless they say otherwise. */
export function defaultTolerationSeconds(): AdmissionStep {
  return {
    name: "DefaultTolerationSeconds",
    mutate(review) {
      const { operation, object } = review;
      if ((operation !== "CREATE" && operation !== "UPDATE") || !isPodWrite(review, operation) || !object) return;
      const spec = specOf(object);
      const tolerations = spec.tolerations ?? [];
      const missing = taints.filter((key) => !tolerations.some((toleration) => tolerates(toleration, key)));
      if (missing.length === 0) return;
      spec.tolerations = [
        ...tolerations,
        ...missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds })),
      ];
    },
  };
}

function tolerates(toleration: Toleration, key: string): boolean {
  return (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === "NoExecute");
}
