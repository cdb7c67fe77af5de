import { isTolerated } from "../../api/node-selection.ts";
import type { Taint, Toleration } from "../../api/schema/types.ts";

/**
 * How long a pod may stay on a node with these taints, in milliseconds from when it came under them: 0 at once, undefined
 * for ever. Of several tolerations for a taint the first counts, as in Kubernetes; of several taints the shortest stay.
 */
export function stayMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  const stays: number[] = [];
  for (const taint of taints) {
    if (taint.effect !== "NoExecute") continue;
    const first = tolerations.find((toleration) => isTolerated(taint, [toleration]));
    if (!first) return 0;
    if (first.tolerationSeconds !== undefined) stays.push(Math.max(0, first.tolerationSeconds) * 1000);
  }
  return stays.length > 0 ? Math.min(...stays) : undefined;
}
