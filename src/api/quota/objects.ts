import type { QuotaEvaluator } from "./evaluator.ts";

/** Kinds that quotas could count before there was "count/…". */
const plainNames = new Set(["configmaps", "resourcequotas", "replicationcontrollers", "secrets"]);

/** Counts objects, whatever is in them. */
export function objectsOf(resource: string): QuotaEvaluator {
  const names = [`count/${resource}`, ...(plainNames.has(resource) ? [resource] : [])];
  return {
    changes: false,
    counts: (name) => names.includes(name),
    usage: () => Object.fromEntries(names.map((name) => [name, "1"])),
    isIn: () => false,
  };
}
