import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { conditionsOf, type Remaining } from "./decide.ts";

const now = "2026-01-01T00:00:00Z";
const object = (name: string, finalizers: string[] = []): AnyObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, finalizers },
});
const told = (remaining: Remaining[], failures: string[] = [], silent: string[] = []) =>
  Object.fromEntries(
    conditionsOf({ remaining, failures, silent }, [], now).map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason}: ${message}`,
    ]),
  );

describe("conditions of a namespace that goes away", () => {
  test("say which extension servers do not answer", () => {
    expect(told([], [], ["b.example.com/v1", "a.example.com/v1"]).NamespaceDeletionDiscoveryFailure).toBe(
      "True DiscoveryFailed: Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: " +
        "a.example.com/v1: stale GroupVersion discovery: a.example.com/v1, b.example.com/v1: stale GroupVersion discovery: b.example.com/v1",
    );
  });

  test("say that all is gone", () => {
    expect(told([])).toEqual({
      NamespaceDeletionDiscoveryFailure: "False ResourcesDiscovered: All resources successfully discovered",
      NamespaceDeletionGroupVersionParsingFailure:
        "False ParsedGroupVersions: All legacy kube types successfully parsed",
      NamespaceDeletionContentFailure:
        "False ContentDeleted: All content successfully deleted, may be waiting on finalization",
      NamespaceContentRemaining: "False ContentRemoved: All content successfully removed",
      NamespaceFinalizersRemaining: "False ContentHasNoFinalizers: All content-preserving finalizers finished",
    });
  });

  test("count what is left and what holds it", () => {
    const conditions = told([
      {
        resource: "configmaps.",
        objects: [object("a", ["example.com/hold"]), object("b", ["example.com/hold", "a.b/c"])],
      },
      { resource: "deployments.apps", objects: [object("c")] },
      { resource: "secrets.", objects: [] },
    ]);
    expect(conditions.NamespaceContentRemaining).toBe(
      "True SomeResourcesRemain: Some resources are remaining: configmaps. has 2 resource instances, deployments.apps has 1 resource instances",
    );
    expect(conditions.NamespaceFinalizersRemaining).toBe(
      "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: a.b/c in 1 resource instances, example.com/hold in 2 resource instances",
    );
  });

  test("keep their time while nothing changes", () => {
    const nothing = { remaining: [], failures: [], silent: [] };
    const before = conditionsOf(nothing, [], now);
    expect(conditionsOf(nothing, before, "2027-01-01T00:00:00Z")).toEqual(before);
  });

  test("have a new time only where they turn, and leave those of others alone", () => {
    const own = { type: "Own", status: "True" };
    const left = (name: string) => [{ resource: "pods.", objects: [object(name)] }];
    const before = conditionsOf({ remaining: left("a"), failures: ["one"], silent: [] }, [own], now);
    const later = "2027-01-01T00:00:00Z";
    const after = conditionsOf({ remaining: [], failures: ["another"], silent: [] }, before, later);
    expect(after[0]).toEqual(own);
    const since = Object.fromEntries(after.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
    expect(since.NamespaceDeletionContentFailure).toBe(now);
    expect(since.NamespaceContentRemaining).toBe(later);
  });
});
