import type { FieldError, Path } from "../field.ts";
import type { ObjectMeta } from "../object.ts";
import { validateLabels } from "./labels.ts";
import { qualifiedName } from "./names.ts";

const mostAnnotationBytes = 256 * 1024;

/** Keys like those of labels, in any case; all of it together has a limit. */
export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const wrong of qualifiedName(key.toLowerCase())) errors.push(at.invalid(key, wrong));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > mostAnnotationBytes) errors.push(at.tooLong(mostAnnotationBytes));
  return errors;
}

/** Metadata's fields that a template for objects cannot give them, under the names by which clients are told of them. */
const objectsOwn: readonly (readonly [field: keyof ObjectMeta, shown: string])[] = [
  ["name", "name"],
  ["generateName", "generateName"],
  ["namespace", "namespace"],
  ["selfLink", "selfLink"],
  ["uid", "uID"],
  ["resourceVersion", "resourceVersion"],
  ["generation", "generation"],
  ["creationTimestamp", "creationTimestamp"],
  ["deletionTimestamp", "deletionTimestamp"],
  ["deletionGracePeriodSeconds", "deletionGracePeriodSeconds"],
  ["ownerReferences", "ownerReferences"],
  ["finalizers", "finalizers"],
  ["managedFields", "managedFields"],
];

/** The metadata of a template for claims: labels and annotations, nothing else. */
export function validateTemplateMeta(metadata: Partial<ObjectMeta> | undefined, at: Path): FieldError[] {
  return [
    ...validateAnnotations(metadata?.annotations, at.child("annotations")),
    ...validateLabels(metadata?.labels, at.child("labels")),
    ...objectsOwn
      .filter(([field]) => metadata?.[field] !== undefined && metadata[field] !== null && metadata[field] !== "")
      .map(([, shown]) => at.child(shown).forbidden("cannot be set")),
  ];
}
