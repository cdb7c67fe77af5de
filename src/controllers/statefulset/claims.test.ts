import { describe, expect, test } from "vitest";
import type { OwnerReference } from "../../api/object.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../api/schema/types.ts";
import { goesWithEarlierPod, hasOtherController, ownersWanted } from "./claims.ts";

type Policy = "Retain" | "Delete";
const aSet = (whenScaled: Policy, whenDeleted: Policy): StatefulSet => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "web", uid: "set" },
  spec: {
    selector: {},
    template: {},
    serviceName: "web",
    persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
  },
});
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", uid: "pod" },
  spec: { containers: [] },
};
const reference = (apiVersion: string, kind: string, name: string, uid: string, controller = true): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  ...(controller && { controller, blockOwnerDeletion: true }),
});
const set = reference("apps/v1", "StatefulSet", "web", "set");
const holder = reference("v1", "Pod", "web-0", "pod");
const earlierPod = reference("v1", "Pod", "web-0", "earlier");
const earlierSet = reference("apps/v1", "StatefulSet", "web", "earlier");
const stranger = reference("example.com/v1", "Backup", "nightly", "b");
const note = reference("v1", "ConfigMap", "note", "n", false);
const claim = (...ownerReferences: OwnerReference[]): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data-web-0", ownerReferences },
  spec: {},
});

describe("whose a claim is", () => {
  test.each<
    [it: string, scaled: Policy, deleted: Policy, condemned: boolean, from: OwnerReference[], to?: OwnerReference[]]
  >([
    ["nobody's when it is kept", "Retain", "Retain", false, []],
    ["nobody's any more when it is to be kept from now on", "Retain", "Retain", false, [set, note], [note]],
    ["the StatefulSet's when it goes with it", "Retain", "Delete", false, [], [set]],
    ["the StatefulSet's, beside what else it hangs on", "Retain", "Delete", false, [note], [note, set]],
    ["settled when it is right", "Retain", "Delete", false, [set]],
    [
      "its controller's, when it was only an owner's",
      "Retain",
      "Delete",
      false,
      [{ ...set, controller: false }],
      [set],
    ],
    ["still nobody's while the pod is wanted", "Delete", "Retain", false, []],
    ["the pod's when the pod is not wanted any more", "Delete", "Retain", true, [], [holder]],
    ["no longer the pod's when the pod is wanted again", "Delete", "Retain", false, [holder], []],
    ["the pod's instead of the StatefulSet's when both would take it along", "Delete", "Delete", true, [set], [holder]],
    ["the StatefulSet's again", "Delete", "Delete", false, [holder], [set]],
    ["left alone when it hangs on an earlier pod", "Delete", "Delete", false, [earlierPod]],
    ["left alone when it hangs on an earlier StatefulSet", "Retain", "Retain", false, [earlierSet]],
    ["let go when something else controls it", "Retain", "Delete", false, [set, stranger], [stranger]],
    ["left to what controls it", "Retain", "Delete", false, [stranger]],
  ])("%s", (_, scaled, deleted, isCondemned, from, to) => {
    expect(ownersWanted(aSet(scaled, deleted), claim(...from), { pod, isCondemned })).toEqual(to);
  });

  test("another controller matters only to a StatefulSet that would take the claim along", () => {
    const held = { pod, isCondemned: false };
    expect(hasOtherController(aSet("Retain", "Retain"), claim(stranger), held)).toBe(false);
    expect(hasOtherController(aSet("Retain", "Delete"), claim(stranger), held)).toBe(true);
    expect(hasOtherController(aSet("Retain", "Delete"), claim(note, set), held)).toBe(false);
  });

  test("a claim that hangs on a pod of the name goes with it", () => {
    expect([goesWithEarlierPod(claim(earlierPod), "web-0"), goesWithEarlierPod(claim(set), "web-0")]).toEqual([
      true,
      false,
    ]);
  });
});
