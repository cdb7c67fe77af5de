import { describe, expect, test } from "vitest";
import type { KubeObject, OwnerReference } from "../../api/object.ts";
import { type Action, decide, foreground, type Observed, type OwnerState, orphan } from "./decide.ts";

const anObject = (name: string, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, uid: `uid-${name}`, ...metadata },
});
const leaving = { deletionTimestamp: "2026-01-01T00:00:00Z" };
const refTo = (name: string, blockOwnerDeletion = false): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `uid-${name}`,
  blockOwnerDeletion,
});
const owned = (...states: OwnerState[]) => states.map((state, at) => ({ reference: refTo(`owner-${at}`), state }));

const object = anObject("it");
const quiet: Observed = { object, owners: [], dependents: [] };
const blocking = anObject("blocking", { ownerReferences: [refTo("it", true)] });
const loose = anObject("loose", { ownerReferences: [refTo("it")] });

describe("garbage collection decide()", () => {
  test.each<[what: string, given: Partial<Observed>, then: Action]>([
    ["leaves an object without owners alone", {}, { do: "nothing" }],
    ["keeps it while an owner is there", { owners: owned("there") }, { do: "nothing" }],
    [
      "deletes it when its only owner is gone",
      { owners: owned("absent") },
      { do: "delete", policy: "Background", unblock: false },
    ],
    [
      "does nothing about an owner of a kind that nobody serves",
      { owners: owned("absent", "unknown") },
      { do: "nothing" },
    ],
    [
      "takes out the reference to a dead owner when another lives",
      { owners: owned("there", "absent") },
      { do: "release", uids: ["uid-owner-1"] },
    ],
    [
      "takes out the reference to an owner that waits when another lives",
      { owners: owned("there", "waiting") },
      { do: "release", uids: ["uid-owner-1"] },
    ],
    [
      "goes in the background for an owner that waits",
      { owners: owned("waiting") },
      { do: "delete", policy: "Background", unblock: false },
    ],
    [
      "goes in the foreground when it has dependents itself",
      { owners: owned("waiting"), dependents: [loose] },
      { do: "delete", policy: "Foreground", unblock: false },
    ],
    [
      "opens a ring of owners that wait for each other",
      { owners: owned("waiting"), dependents: [anObject("ring", { ...leaving, finalizers: [foreground] })] },
      { do: "delete", policy: "Foreground", unblock: true },
    ],
    [
      "heeds a finalizer that asks for orphans",
      { object: anObject("it", { finalizers: [orphan] }), owners: owned("absent") },
      { do: "delete", policy: "Orphan", unblock: false },
    ],
    [
      "leaves an object that is leaving to its finalizers",
      { object: anObject("it", leaving), owners: owned("absent") },
      { do: "nothing" },
    ],
    [
      "waits in the foreground for dependents that block, and looks at all of them",
      { object: anObject("it", { ...leaving, finalizers: [foreground] }), dependents: [blocking, loose] },
      { do: "waitFor", dependents: [blocking, loose] },
    ],
    [
      "ends the foreground when none blocks any more",
      { object: anObject("it", { ...leaving, finalizers: [foreground] }), dependents: [loose] },
      { do: "removeFinalizer", finalizer: foreground },
    ],
    [
      "sets dependents free before an orphaning object goes",
      { object: anObject("it", { ...leaving, finalizers: [orphan] }), dependents: [loose] },
      { do: "orphanDependents", dependents: [loose] },
    ],
    [
      "lets it go once they are free",
      { object: anObject("it", { ...leaving, finalizers: [orphan] }) },
      { do: "removeFinalizer", finalizer: orphan },
    ],
  ])("%s", (_, given, then) => {
    expect(decide({ ...quiet, ...given })).toEqual(then);
  });
});
