import { compareQuantities, formatQuantity, quantityFrom, quantityFromUnits, unitsOf } from "../quantity.ts";
import type { PersistentVolumeClaim } from "../schema/types.ts";
import type { QuotaEvaluator } from "./evaluator.ts";
import { isAmong } from "./scope.ts";

const names = ["count/persistentvolumeclaims", "persistentvolumeclaims", "requests.storage"];
const ofClass = ".storageclass.storage.k8s.io/";
const olderAnnotation = "volume.beta.kubernetes.io/storage-class";

export const claims: QuotaEvaluator = {
  changes: true,
  counts: (name) => names.includes(name) || names.some((plain) => name.endsWith(`${ofClass}${plain}`)),
  usage(object) {
    const claim = object as unknown as PersistentVolumeClaim;
    const storageClass = claim.metadata.annotations?.[olderAnnotation] ?? claim.spec?.storageClassName;
    const used: Record<string, string> = { "count/persistentvolumeclaims": "1", persistentvolumeclaims: "1" };
    const storage = storageOf(claim);
    if (storage !== undefined) used["requests.storage"] = storage;
    if (storageClass) {
      used[`${storageClass}${ofClass}persistentvolumeclaims`] = "1";
      if (storage !== undefined) used[`${storageClass}${ofClass}requests.storage`] = storage;
    }
    return used;
  },
  isIn(scope, object) {
    if (scope.scopeName !== "VolumeAttributesClass") return false;
    const { spec, status } = object as unknown as PersistentVolumeClaim;
    const classes = [
      spec?.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].filter((name): name is string => Boolean(name));
    return isAmong(scope, classes);
  },
};

/** What is asked for, or what is given already where that is more; in whole bytes. */
function storageOf({ spec, status }: PersistentVolumeClaim): string | undefined {
  const asked = spec?.resources?.requests?.storage;
  const given = status?.allocatedResources?.storage;
  const most = asked !== undefined && given !== undefined && compareQuantities(given, asked) > 0 ? given : asked;
  if (most === undefined) return undefined;
  return formatQuantity(quantityFromUnits(unitsOf(most), quantityFrom(most).format));
}
