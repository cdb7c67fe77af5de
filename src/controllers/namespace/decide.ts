import type { AnyObject } from "../../api/object.ts";
import type { NamespaceCondition } from "../../api/schema/types.ts";

/** What is left in a namespace that is being deleted, of one resource. */
export interface Remaining {
  /** "deployments.apps", "pods." for the core group: as Kubernetes writes it in the message. */
  readonly resource: string;
  readonly objects: readonly AnyObject[];
}

/** What was found in a namespace that is being deleted. */
export interface Found {
  readonly remaining: readonly Remaining[];
  /** What deleting or listing answered with an error. */
  readonly failures: readonly string[];
  /** Groups and versions ("example.com/v1") of extension servers that do not answer: nobody knows what they keep there. */
  readonly silent: readonly string[];
}

/** The conditions of a namespace while its content goes away (Kubernetes API reference, "NamespaceCondition"); others stay as they are. */
export function conditionsOf(
  { remaining, failures, silent }: Found,
  before: readonly NamespaceCondition[],
  now: string,
): NamespaceCondition[] {
  const counted = remaining.filter(({ objects }) => objects.length > 0);
  const left = counted.map(({ resource, objects }) => `${resource} has ${objects.length} resource instances`).sort();
  const finalizers = finalizersOf(counted);
  const wanted: NamespaceCondition[] = [
    silent.length > 0
      ? bad("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", undiscovered(silent))
      : ok("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ok(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    failures.length > 0
      ? bad(
          "NamespaceDeletionContentFailure",
          "ContentDeletionFailed",
          `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(", ")}`,
        )
      : ok(
          "NamespaceDeletionContentFailure",
          "ContentDeleted",
          "All content successfully deleted, may be waiting on finalization",
        ),
    left.length > 0
      ? bad("NamespaceContentRemaining", "SomeResourcesRemain", `Some resources are remaining: ${left.join(", ")}`)
      : ok("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    finalizers.length > 0
      ? bad(
          "NamespaceFinalizersRemaining",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}`,
        )
      : ok("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
  ];
  const known = before.map((old) => {
    const condition = wanted.find(({ type }) => type === old.type);
    if (!condition) return old;
    const since = old.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: since ?? now };
  });
  const fresh = wanted.filter(({ type }) => !before.some((old) => old.type === type));
  return [...known, ...fresh.map((condition) => ({ ...condition, lastTransitionTime: now }))];
}

function undiscovered(silent: readonly string[]): string {
  const each = [...silent].sort().map((one) => `${one}: stale GroupVersion discovery: ${one}`);
  const all = `unable to retrieve the complete list of server APIs: ${each.join(", ")}`;
  return `Discovery failed for some groups, ${silent.length} failing: ${all}`;
}

/** "example.com/hold in 1 resource instances", sorted by the finalizer. */
function finalizersOf(remaining: readonly Remaining[]): string[] {
  const counts = new Map<string, number>();
  for (const { objects } of remaining) {
    for (const { metadata } of objects)
      for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} in ${count} resource instances`);
}

const ok = (type: string, reason: string, message: string): NamespaceCondition => ({
  type,
  status: "False",
  reason,
  message,
});
const bad = (type: string, reason: string, message: string): NamespaceCondition => ({
  type,
  status: "True",
  reason,
  message,
});
