import { controllerRef } from "../api/object.ts";
import type { LabelSelector, LabelSelectorRequirement } from "../api/schema/types.ts";
import { selectsAll } from "../api/selector.ts";
import type { ObjectLookup } from "./objects.ts";
import type { PodInfo } from "./pod-info.ts";

/** What selects the pods that do the same as this one: the selectors of its Services and of its owner; undefined without any. */
export function groupSelector({ namespace, labels, pod }: PodInfo, objects: ObjectLookup): LabelSelector | undefined {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: LabelSelectorRequirement[] = [];
  for (const { spec } of objects.services(namespace))
    if (spec?.selector && Object.keys(spec.selector).length > 0 && selectsAll(spec.selector, labels))
      Object.assign(matchLabels, spec.selector);

  const owner = controllerRef(pod);
  const name = owner?.name ?? "";
  if (owner?.kind === "ReplicationController")
    Object.assign(matchLabels, objects.replicationController(namespace, name)?.spec?.selector);
  const sets = { ReplicaSet: objects.replicaSet, StatefulSet: objects.statefulSet };
  const find = owner && owner.kind in sets ? sets[owner.kind as keyof typeof sets] : undefined;
  const selector = find?.(namespace, name)?.spec?.selector;
  Object.assign(matchLabels, selector?.matchLabels);
  matchExpressions.push(...(selector?.matchExpressions ?? []));

  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return undefined;
  return { matchLabels, matchExpressions };
}
