import { pod } from "../../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../../api/kinds/policy/pod-disruption-budget.ts";
import type { Pod, PodDisruptionBudget } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import type { ControllerEnvironment } from "../../client/controller.ts";
import { type EventNews, openEventRecorder } from "../../client/events.ts";

/** What is told of a pod that several budgets select: such a pod cannot be evicted. */
export function overlapNews({ metadata }: Pod, budgets: readonly PodDisruptionBudget[]): EventNews | undefined {
  const [chosen, ...others] = budgets.filter(({ spec }) => selects(spec?.selector, metadata.labels));
  if (!chosen || others.length === 0) return undefined;
  const { namespace = "", name } = metadata;
  return {
    type: "Warning",
    reason: "MultiplePodDisruptionBudgets",
    message: `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${chosen.metadata.name}" arbitrarily.`,
  };
}

/**
 * Tells of such pods whenever one of them comes, changes or goes; a budget alone does not bring it up, as in Kubernetes. What
 * is said is about the change, so that it follows the changes themselves and not the keys that they mean.
 */
export function tellOfOverlaps(
  component: string,
  { informers, client, clock, log }: ControllerEnvironment,
): Disposable {
  const events = openEventRecorder({ client, clock, log, component });
  const budgets = informers.of(podDisruptionBudget);
  const listener = informers.of(pod).onChange(({ key, before, after }) => {
    const changed = after ?? before;
    const news = overlapNews(changed, budgets.list(key.namespace));
    if (news) events.record(changed, news);
  });
  return {
    [Symbol.dispose]() {
      listener[Symbol.dispose]();
      events[Symbol.dispose]();
    },
  };
}
