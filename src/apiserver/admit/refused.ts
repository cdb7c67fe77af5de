import { forbidden, type StatusError } from "../../api/status.ts";
import type { Review } from "./admission.ts";

/** The refusal of a step, in the words and with the name that Kubernetes puts around its reason. */
export function refused({ call, object, old }: Review, why: string): StatusError {
  const { name, generateName } = object?.metadata ?? old?.metadata ?? { name: "" };
  return forbidden(call.resource.name, call.name || name || generateName || "Unknown!", why);
}

/** Several reasons as one; the same reason is told once. */
export function joined(reasons: readonly string[]): string {
  const unique = [...new Set(reasons)];
  return unique.length === 1 ? (unique[0] ?? "") : `[${unique.join(", ")}]`;
}
