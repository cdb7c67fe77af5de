import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goDiff } from "../../go-view.ts";
import type { Container, Pod, PodSpec } from "../../schema/types.ts";
import { validateImagePadding } from "../../validate/containers.ts";
import { mirrorAnnotation, validatePodAnnotations } from "../../validate/pod-annotations.ts";
import { appArmorPrefix, validateProfilesAgree } from "../../validate/pod-profiles.ts";
import { validatePodSpec } from "../../validate/pod-spec.ts";
import { validateOnlyAddedTolerations } from "../../validate/tolerations.ts";
import { validateGatedPlacement } from "./pod-gated-rules.ts";
import { validatePodResize } from "./pod-resize-rules.ts";
import { validatePodStatus } from "./pod-status-rules.ts";

export function validatePod({ metadata, spec }: Pod, root: Path): FieldError[] {
  const at = root.child("spec");
  const tokens = spec.serviceAccountName
    ? []
    : (spec.volumes ?? []).flatMap(({ projected }, i) =>
        (projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) =>
          serviceAccountToken
            ? [
                at
                  .child("volumes")
                  .index(i)
                  .child("projected", "sources")
                  .index(j)
                  .child("serviceAccountToken")
                  .forbidden("must not be specified when serviceAccountName is not set"),
              ]
            : [],
        ),
      );
  return [
    ...validatePodAnnotations(metadata.annotations ?? {}, spec, root.child("metadata", "annotations")),
    ...validatePodSpec(spec, at, { isPod: true, podName: metadata.name }),
    ...tokens,
    ...(["containers", "initContainers"] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, i) => validateImagePadding(container, at.child(list).index(i))),
    ),
  ];
}

/** What only a new pod may not say. */
export function validatePodCreation(pod: Pod, root: Path): FieldError[] {
  const { spec } = pod;
  const at = root.child("spec");
  return [
    ...(spec.ephemeralContainers?.length ? [at.child("ephemeralContainers").forbidden("cannot be set on create")] : []),
    ...(spec.nodeName && spec.schedulingGates?.length
      ? [at.child("nodeName").forbidden("cannot be set until all schedulingGates have been cleared")]
      : []),
    ...validateProfilesAgree(pod, at),
  ];
}

const changeable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** Kubernetes docs, "Pods", section "Pod update and replacement": little of a pod's spec can change. */
export function validatePodUpdate(pod: Pod, old: Pod, root: Path): FieldError[] {
  const at = root.child("spec");
  const errors = validateAnnotationChange(pod, old, root.child("metadata", "annotations"));
  for (const list of ["containers", "initContainers"] as const) {
    if ((pod.spec[list] ?? []).length !== (old.spec[list] ?? []).length)
      return [...errors, at.child(list).forbidden("pod updates may not add or remove containers")];
    errors.push(...validateImages(pod.spec[list] ?? [], at.child(list)));
  }
  const deadline = validateDeadlineChange(pod.spec, old.spec, at.child("activeDeadlineSeconds"));
  errors.push(...deadline.errors);
  if (deadline.stop) return errors;
  errors.push(
    ...validateOnlyAddedTolerations(pod.spec.tolerations ?? [], old.spec.tolerations ?? [], at.child("tolerations")),
    ...validateOnlyDeletedGates(pod.spec, old.spec, at.child("schedulingGates")),
  );
  if (isDeepStrictEqual(pod.spec, old.spec)) return errors;
  const rest = withoutChangeable(pod.spec, old.spec);
  if (old.spec.schedulingGates?.length) errors.push(...validateGatedPlacement(rest, old.spec, at));
  if (!isDeepStrictEqual(plain(rest), plain(old.spec)))
    errors.push(
      at.forbidden(`pod updates may not change fields other than ${changeable}\n${goDiff("PodSpec", old.spec, rest)}`),
    );
  return errors;
}

/** Without fields that are spelt out as undefined. */
function plain(spec: PodSpec): unknown {
  return JSON.parse(JSON.stringify(spec));
}

/** What some annotations say is decided when the pod is made. */
function validateAnnotationChange({ metadata, spec }: Pod, old: Pod, at: Path): FieldError[] {
  const [after, before] = [metadata.annotations ?? {}, old.metadata.annotations ?? {}];
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => after[key] !== before[key],
  );
  const fixed = changed.flatMap((key) => {
    const words = key === mirrorAnnotation ? "mirror pod annotation" : "AppArmor annotations";
    if (key !== mirrorAnnotation && !key.startsWith(appArmorPrefix)) return [];
    return [at.key(key).forbidden(`may not ${before[key] === undefined ? "add" : "remove or update"} ${words}`)];
  });
  return [...fixed, ...validatePodAnnotations(after, spec, at)];
}

function validateImages(containers: readonly Container[], at: Path): FieldError[] {
  return containers.flatMap((container, i) => [
    ...(container.image ? [] : [at.index(i).child("image").required()]),
    ...validateImagePadding(container, at.index(i)),
  ]);
}

function validateDeadlineChange(
  { activeDeadlineSeconds: after }: PodSpec,
  { activeDeadlineSeconds: before }: PodSpec,
  at: Path,
): { errors: FieldError[]; stop: boolean } {
  if (after === undefined)
    return {
      errors: before === undefined ? [] : [at.invalid(null, "must not update from a positive integer to nil value")],
      stop: false,
    };
  if (after < 0 || after > 2147483647)
    return { errors: [at.invalid(after, "must be between 0 and 2147483647, inclusive")], stop: true };
  if (before !== undefined && before < after)
    return { errors: [at.invalid(after, "must be less than or equal to previous value")], stop: true };
  return { errors: [], stop: false };
}

function validateOnlyDeletedGates({ schedulingGates = [] }: PodSpec, old: PodSpec, at: Path): FieldError[] {
  const known = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  return schedulingGates.flatMap(({ name }, i) =>
    known.has(name)
      ? []
      : [at.index(i).child("name").forbidden(`only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}

/** The new spec with everything that may change as it was. */
function withoutChangeable(spec: PodSpec, old: PodSpec): PodSpec {
  const rest = structuredClone(spec);
  const take = <K extends keyof PodSpec>(field: K) => {
    if (old[field] === undefined) delete rest[field];
    else rest[field] = old[field];
  };
  for (const list of ["containers", "initContainers"] as const)
    for (const [i, container] of (rest[list] ?? []).entries()) {
      const image = old[list]?.[i]?.image;
      if (image !== undefined) container.image = image;
    }
  take("activeDeadlineSeconds");
  take("schedulingGates");
  take("tolerations");
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && rest.terminationGracePeriodSeconds === 1)
    take("terminationGracePeriodSeconds");
  return rest;
}

/** What is wrong with a change of a part. */
export function validatePodPart(subresource: string, pod: Pod, old: Pod, root: Path): FieldError[] {
  switch (subresource) {
    case "status":
      return [
        ...validateAnnotationChange(pod, old, root.child("metadata", "annotations")),
        ...validatePodStatus(pod, old, root),
      ];
    case "ephemeralcontainers":
      return old.metadata.annotations?.[mirrorAnnotation] === undefined
        ? [
            ...validatePod(pod, root),
            ...validateAnnotationChange(pod, old, root.child("metadata", "annotations")),
            ...validateEphemeralChange(pod, old, root),
          ]
        : [root.key("").forbidden("static pods do not support ephemeral containers")];
    default:
      return [...validatePod(pod, root), ...validatePodResize(pod, old, root)];
  }
}

function validateEphemeralChange(pod: Pod, old: Pod, root: Path): FieldError[] {
  const at = root.child("spec", "ephemeralContainers");
  const next = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.spec.ephemeralContainers ?? []).flatMap((container) => {
    const name = JSON.stringify(container.name);
    const after = next.get(container.name);
    if (!after) return [at.forbidden(`existing ephemeral containers ${name} may not be removed\n`)];
    if (isDeepStrictEqual(after, container)) return [];
    const difference = goDiff("EphemeralContainer", container, after);
    return [at.forbidden(`existing ephemeral containers ${name} may not be changed\n${difference}`)];
  });
}
