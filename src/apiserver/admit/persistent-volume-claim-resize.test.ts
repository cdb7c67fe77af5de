import { expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { persistentVolumeClaimResize } from "./persistent-volume-claim-resize.ts";
import { anObject, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

function aClaim(storage: string, { phase = "Bound", storageClassName = "fast" } = {}): AnyObject {
  const spec = { storageClassName, resources: { requests: { storage } } };
  return anObject("v1", "PersistentVolumeClaim", { spec, status: { phase } });
}

async function refusal(old: AnyObject, next: AnyObject): Promise<string | undefined> {
  const classes = [
    anObject("storage.k8s.io/v1", "StorageClass", { metadata: { name: "fast" }, allowVolumeExpansion: true }),
    anObject("storage.k8s.io/v1", "StorageClass", { metadata: { name: "fixed" } }),
  ];
  return refusalBy(persistentVolumeClaimResize({ store: await storeWith(...classes) }), reviewOf(next, { old }));
}

const fixed = { storageClassName: "fixed" };

test.each([
  ["a bound claim of a class that can grow", aClaim("1Gi"), aClaim("2Gi"), undefined],
  ["one that stays as it is", aClaim("1Gi", fixed), aClaim("1Gi", fixed), undefined],
  [
    "one without a volume",
    aClaim("1Gi", { phase: "Pending" }),
    aClaim("2Gi"),
    "Only bound persistent volume claims can be expanded",
  ],
  [
    "one of a class that cannot grow",
    aClaim("1Gi", fixed),
    aClaim("2Gi", fixed),
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
  ],
])("%s", async (_, old, next, why) => {
  expect(await refusal(old, next)).toBe(why && `persistentvolumeclaims "a" is forbidden: ${why}`);
});
