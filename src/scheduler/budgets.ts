import type { PodDisruptionBudget } from "../api/schema/types.ts";
import { selects } from "../api/selector.ts";
import type { BudgetCheck } from "./preemption.ts";

/** Counts down what the budgets allow, from pod to pod. */
export function budgetCheck(budgets: readonly PodDisruptionBudget[]): BudgetCheck {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  return ({ namespace, labels, pod: { metadata } }) => {
    let allowed = true;
    if (Object.keys(labels).length === 0) return allowed;
    for (const [budget, count] of left) {
      const { selector } = budget.spec ?? {};
      const selectsNothing = !selector?.matchExpressions?.length && !Object.keys(selector?.matchLabels ?? {}).length;
      if (budget.metadata.namespace !== namespace || selectsNothing || !selects(selector, labels)) continue;
      // A pod whose eviction was granted already has been counted.
      if (budget.status?.disruptedPods?.[metadata.name]) continue;
      if (count <= 0) allowed = false;
      left.set(budget, count - 1);
    }
    return allowed;
  };
}
