import type { FieldError, Path } from "../field.ts";
import type { PodTemplateSpec } from "../schema/types.ts";
import { validateLabels } from "./labels.ts";
import { validateAnnotations } from "./metadata.ts";
import { validatePodAnnotations } from "./pod-annotations.ts";
import { validateProfilesAgree } from "./pod-profiles.ts";
import { validatePodSpec } from "./pod-spec.ts";

/** What is wrong with the template of pods, wherever it is embedded. `at` is the template's own place. */
export function validatePodTemplate({ metadata, spec }: Partial<PodTemplateSpec>, at: Path): FieldError[] {
  const podSpec = spec ?? { containers: [] };
  return [
    ...validatePodMetadata({ ...(metadata && { metadata }), spec: podSpec }, at),
    ...validatePodSpec(podSpec, at.child("spec"), { isPod: false }),
    ...validateProfilesAgree({ ...(metadata && { metadata }), spec: podSpec }, at.child("spec")),
    ...(podSpec.ephemeralContainers?.length
      ? [at.child("spec", "ephemeralContainers").forbidden("ephemeral containers not allowed in pod template")]
      : []),
  ];
}

/** What is wrong with the labels and annotations that its pods get. */
export function validatePodMetadata({ metadata, spec }: Partial<PodTemplateSpec>, at: Path): FieldError[] {
  return [
    ...validateLabels(metadata?.labels, at.child("labels")),
    ...validateAnnotations(metadata?.annotations, at.child("annotations")),
    ...validatePodAnnotations(metadata?.annotations ?? {}, spec ?? { containers: [] }, at.child("annotations")),
  ];
}
