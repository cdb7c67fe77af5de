import type { FieldError, Path } from "../field.ts";
import type { PodSpec } from "../schema/types.ts";
import { validateProfileAnnotations } from "./pod-profiles.ts";

export const mirrorAnnotation = "kubernetes.io/config.mirror";
const deletionCost = "controller.kubernetes.io/pod-deletion-cost";

/** Annotations that mean something for a pod. */
export function validatePodAnnotations(
  annotations: Readonly<Record<string, string>>,
  spec: PodSpec,
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName)
    errors.push(at.key(mirrorAnnotation).invalid(mirror, "must set spec.nodeName if mirror pod annotation is set"));
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) errors.push(at.key(deletionCost).invalid(cost, "must be a 32bit integer"));
  return [...errors, ...validateProfileAnnotations(annotations, spec, at)];
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9][0-9]*)$/.test(text) && Number(text) === (Number(text) | 0);
}
