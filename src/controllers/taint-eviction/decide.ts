import { isTolerated } from "../../api/node-selection.ts";
import type { Taint, Toleration } from "../../api/schema/types.ts";

/**
 * How long a pod may stay on a node with these taints, in milliseconds from when it came under them: 0 at once, undefined
 * for ever. Of several tolerations for a taint the shortest counts, and of several taints too.
 */
export function stayMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  const stays: number[] = [];
  for (const taint of taints) {
    if (taint.effect !== "NoExecute") continue;
    const fitting = tolerations.filter((toleration) => isTolerated(taint, [toleration]));
    if (fitting.length === 0) return 0;
    for (const { tolerationSeconds } of fitting)
      if (tolerationSeconds !== undefined) stays.push(Math.max(0, tolerationSeconds) * 1000);
  }
  return stays.length > 0 ? Math.min(...stays) : undefined;
}
