import type { KubeObject } from "./object.ts";

/** The annotations that make a storage class the cluster's default one. */
export const defaultStorageClassAnnotations: readonly string[] = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

export function isDefaultClass({ metadata }: KubeObject, annotations: readonly string[]): boolean {
  return annotations.some((name) => metadata.annotations?.[name] === "true");
}

/** The default one among classes: the youngest if there are several, of equally old ones the first by name. */
export function defaultClassOf<T extends KubeObject>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  return classes
    .filter((one) => isDefaultClass(one, annotations))
    .sort((a, b) => ageOf(b) - ageOf(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

function ageOf({ metadata }: KubeObject): number {
  return Date.parse(metadata.creationTimestamp ?? "");
}
