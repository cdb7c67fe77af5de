import type { Pod } from "./schema/types.ts";

/** Whether the pod's containers have ended for good (Kubernetes docs, "Pod Lifecycle", section "Pod phase"). */
export function hasEnded({ status }: { readonly status?: Pod["status"] | undefined }): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
