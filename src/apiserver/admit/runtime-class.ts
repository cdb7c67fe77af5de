import { isDeepStrictEqual } from "node:util";
import { runtimeClass as runtimeClassKind } from "../../api/kinds/node/runtime-class.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import type { PodSpec, RuntimeClass, Toleration } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { latestObject } from "../registry/objects.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { newPodSpec } from "./pods.ts";
import { refused } from "./refused.ts";

const otherOverhead = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** Adds to a pod what running it under its RuntimeClass costs, and where that can be done (Kubernetes docs, "Runtime Class"). */
export function runtimeClass({ store }: { readonly store: Store }): AdmissionStep {
  const classOf = (review: Review, { runtimeClassName }: PodSpec): RuntimeClass | undefined => {
    if (!runtimeClassName) return undefined;
    const found = latestObject(store, runtimeClassKind, { name: runtimeClassName });
    if (!found) throw refused(review, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
    return found;
  };
  return {
    name: "RuntimeClass",
    mutate(review) {
      const spec = newPodSpec(review) as PodSpec | undefined;
      const chosen = spec && classOf(review, spec);
      if (!chosen) return;
      addOverhead(review, spec, chosen);
      addScheduling(review, spec, chosen);
    },
    validate(review) {
      const spec = newPodSpec(review) as PodSpec | undefined;
      if (!spec) return;
      const own = amounts(spec.overhead);
      if (Object.keys(own).length === 0) return;
      const costs = classOf(review, spec)?.overhead;
      if (!costs)
        throw refused(review, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      if (!isDeepStrictEqual(own, amounts(costs.podFixed))) throw refused(review, otherOverhead);
    },
  };
}

function addOverhead(review: Review, spec: PodSpec, { overhead }: RuntimeClass): void {
  if (!overhead) return;
  const costs = amounts(overhead.podFixed);
  if (Object.keys(spec.overhead ?? {}).length > 0 && !isDeepStrictEqual(amounts(spec.overhead), costs))
    throw refused(review, otherOverhead);
  spec.overhead = costs;
}

function addScheduling(review: Review, spec: PodSpec, { scheduling }: RuntimeClass): void {
  if (!scheduling) return;
  for (const [label, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[label];
    if (own !== undefined && own !== value)
      throw refused(
        review,
        `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${value}; pod.spec.nodeSelector[${label}] = ${own}`,
      );
  }
  if (scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  const tolerations = merged([...(spec.tolerations ?? []), ...(scheduling.tolerations ?? [])]);
  if (tolerations.length > 0) spec.tolerations = tolerations;
}

/** Without those that another one says as well. */
function merged(all: readonly Toleration[]): Toleration[] {
  const kept: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    if (kept.some((other) => covers(other, toleration))) continue;
    const later = all.slice(i + 1).filter((other) => !isDeepStrictEqual({ ...other }, { ...toleration }));
    if (!later.some((other) => covers(other, toleration))) kept.push({ ...toleration });
  }
  return kept;
}

/** Whether `wide` tolerates all that `narrow` does, for as long. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (isDeepStrictEqual({ ...wide }, { ...narrow })) return true;
  if ((wide.key ?? "") !== (narrow.key ?? "") && (wide.key || wide.operator !== "Exists")) return false;
  if (wide.effect && wide.effect !== narrow.effect) return false;
  const { tolerationSeconds: most } = wide;
  const { tolerationSeconds: own } = narrow;
  if (wide.effect === "NoExecute" && most !== undefined && (own === undefined || own > most)) return false;
  if (wide.operator === "Exists") return true;
  return (narrow.operator ?? "Equal") === "Equal" && (narrow.value ?? "") === (wide.value ?? "");
}

function amounts(list: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, text]) => [name, canonicalQuantity(text)]));
}
