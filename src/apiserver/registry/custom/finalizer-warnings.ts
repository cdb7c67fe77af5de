import type { KubeObject } from "../../../api/object.ts";
import { qualifiedName } from "../../../api/validate/names.ts";
import { standardFinalizers } from "../../../api/validate/object-meta.ts";

/** What is said of finalizers that are new in an object: two programs may not mean the same one. */
export function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(object.metadata.finalizers)].filter((finalizer) => !before.has(finalizer)).sort();
  return added.flatMap((finalizer) => {
    const about = (text: string): string => `metadata.finalizers: ${JSON.stringify(finalizer)}: ${text}`;
    const path = finalizer.includes(".") ? " including a path (/)" : "";
    return [
      ...qualifiedName(finalizer).map(about),
      ...(finalizer.includes("/") || standardFinalizers.has(finalizer)
        ? []
        : [
            about(
              `prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
            ),
          ]),
    ];
  });
}
