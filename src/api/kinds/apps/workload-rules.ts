import type { FieldError, Path } from "../../field.ts";
import type { LabelSelector, PodTemplateSpec } from "../../schema/types.ts";
import { selects } from "../../selector.ts";
import { inKeyOrder, validateLabelSelector } from "../../validate/labels.ts";
import { dnsLabel } from "../../validate/names.ts";
import { validatePodTemplate } from "../../validate/pod-template.ts";
import { percentOf, validateNonNegative } from "../../validate/values.ts";
import { podTemplateWarnings } from "../core/pod-warnings.ts";

/** Rules that hold for every object with a pod template and a selector. */

/** The selector of a workload: it must be there, well formed and not empty. */
export function validateWorkloadSelector(
  selector: LabelSelector | undefined,
  { workload, at }: { workload: string; at: Path },
): FieldError[] {
  if (!selector) return [at.required()];
  return [
    ...validateLabelSelector(selector, at),
    ...(isEmptySelector(selector) ? [at.invalid(selector, `empty selector is invalid for ${workload}`)] : []),
  ];
}

/** Selector and template of what keeps a number of equal pods running. */
export function validateReplicatedTemplate(
  { selector, template = {} }: { selector?: LabelSelector; template?: PodTemplateSpec },
  at: Path,
): FieldError[] {
  if (selector && !isUsableSelector(selector))
    return [at.child("selector").invalid(selector, "invalid label selector")];
  const place = at.child("template");
  return [
    ...validateSelectsTemplate(selector, template, place),
    ...validatePodTemplate(template, place),
    ...validateRunsForever(template, { workload: "ReplicaSet", at: place }),
  ];
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels ?? {}).length + (matchExpressions ?? []).length === 0;
}

/** Whether it says what to select: every requirement has a known operator and the values it needs. */
export function isUsableSelector(selector: LabelSelector): boolean {
  return (selector.matchExpressions ?? []).every(({ operator, values = [] }) => {
    const wantsValues = operator === "In" || operator === "NotIn";
    if (wantsValues) return values.length > 0;
    return (operator === "Exists" || operator === "DoesNotExist") && values.length === 0;
  });
}

/** The pods of a template must be selected; an empty selector is complained about elsewhere. */
export function validateSelectsTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec,
  at: Path,
): FieldError[] {
  if (selector && isEmptySelector(selector)) return [];
  const labels = template.metadata?.labels;
  if (selects(selector, labels)) return [];
  const shown = labels && Object.keys(labels).length > 0 ? inKeyOrder(labels) : undefined;
  return [at.child("metadata", "labels").invalid(shown, "`selector` does not match template `labels`")];
}

/** Pods that are replaced for ever may neither end by themselves nor by a deadline. */
export function validateRunsForever(
  { spec }: PodTemplateSpec,
  { workload, at }: { workload: string; at: Path },
): FieldError[] {
  const errors: FieldError[] = [];
  const place = at.child("spec");
  const policy = spec?.restartPolicy ?? "Always";
  if (policy !== "Always") errors.push(place.child("restartPolicy").notSupported(policy, ["Always"]));
  if (spec?.activeDeadlineSeconds !== undefined)
    errors.push(
      place.child("activeDeadlineSeconds").forbidden(`activeDeadlineSeconds in ${workload} is not Supported`),
    );
  return errors;
}

/** What a client should know of the pods that it asks for: when it asks for something new, not with every change. */
export function templateWarnings<T extends { readonly metadata: { readonly generation?: number } }>(
  object: T,
  old: T | undefined,
  template: PodTemplateSpec | undefined,
  at = "spec.template",
): string[] {
  if (!template || (old && old.metadata.generation === object.metadata.generation)) return [];
  return podTemplateWarnings(template, at);
}

/** A new object whose name its pods' hostnames will be made of. */
export function podNameWarnings({ metadata: { name } }: { metadata: { name: string } }, old: unknown): string[] {
  const wrong = old === undefined ? dnsLabel(name) : [];
  if (wrong.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(" ")}]`,
  ];
}

/** Counts of replicas: none is negative, no part is more than the whole, and what is available is ready. */
export function validateReplicaCounts<
  T extends { replicas?: number; readyReplicas?: number; availableReplicas?: number },
>(
  status: T,
  at: Path,
  {
    parts,
    others,
    ready,
  }: {
    readonly parts: readonly (keyof T & string)[];
    readonly others: readonly (keyof T & string)[];
    /** What a part is compared with, as the error calls it. */
    readonly ready: string;
  },
): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const errors = validateCounts(status, at, ["replicas", ...parts, ...others]);
  for (const field of parts) {
    const count = (status[field] as number | undefined) ?? 0;
    if (count > replicas) errors.push(at.child(field).invalid(count, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas)
    errors.push(at.child("availableReplicas").invalid(availableReplicas, `cannot be greater than ${ready}`));
  return errors;
}

/** The numbers of a status, none of which may be negative. */
export function validateCounts<T extends object>(
  status: T,
  at: Path,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  return fields.flatMap((field) => validateNonNegative(status[field] as number | undefined, at.child(field)));
}

/** The count of collisions, which never falls. */
export function validateCollisions(
  { collisionCount = 0 }: { collisionCount?: number },
  old: { collisionCount?: number } | undefined,
  at: Path,
): FieldError[] {
  return collisionCount < (old?.collisionCount ?? collisionCount)
    ? [at.child("collisionCount").invalid(collisionCount, "cannot be decremented")]
    : [];
}

/** How many, or how many of a hundred; a text that is neither counts as none. */
export function amountOf(value: number | string | undefined): number {
  return percentOf(value) ?? (typeof value === "number" || /^[+-]?\d+$/.test(value ?? "") ? Number(value) : 0);
}
