import { type FieldError, omittedValue, type Path } from "../../field.ts";
import type {
  JobSpec,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
  SuccessPolicy,
  SuccessPolicyRule,
} from "../../schema/types.ts";
import { domainPrefixedPath, qualifiedName } from "../../validate/names.ts";
import { validatePodTemplate } from "../../validate/pod-template.ts";
import { validateNonNegative, validateOneOf, validateText } from "../../validate/values.ts";

/** The rules that a Job's spec and a CronJob's template share. */

const maxFailureRules = 20;
const maxExitCodes = 255;
const longestIndexes = 64 * 1024;
/** With indexes: this many pods at once, and this many failed indexes. */
const maxIndexed = 100_000;
const maxIndexedWhenMany = 10_000;

/** What a rule of a pod failure policy takes for granted. */
export function setFailurePolicyDefaults(policy: PodFailurePolicy | undefined): void {
  for (const rule of policy?.rules ?? [])
    for (const condition of rule.onPodConditions ?? []) condition.status ??= "True";
}

export function validateJobTemplateSpec(spec: JobSpec | undefined, at: Path): FieldError[] {
  if (!spec) return [];
  return [
    ...validateNonNegative(spec.parallelism, at.child("parallelism")),
    ...validateNonNegative(spec.completions, at.child("completions")),
    ...validateNonNegative(spec.activeDeadlineSeconds, at.child("activeDeadlineSeconds")),
    ...validateNonNegative(spec.backoffLimit, at.child("backoffLimit")),
    ...validateNonNegative(spec.ttlSecondsAfterFinished, at.child("ttlSecondsAfterFinished")),
    ...validateNonNegative(spec.backoffLimitPerIndex, at.child("backoffLimitPerIndex")),
    ...validateMaxFailedIndexes(spec, at),
    ...validateManagedBy(spec.managedBy, at.child("managedBy")),
    ...validateCompletionMode(spec, at),
    ...validateFailurePolicy(spec, at.child("podFailurePolicy")),
    ...validateSuccessPolicy(spec, at.child("successPolicy")),
    ...validateReplacementPolicy(spec, at.child("podReplacementPolicy")),
    ...validatePodTemplate(spec.template ?? {}, at.child("template")),
    ...validateEnds(spec, at.child("template", "spec", "restartPolicy")),
  ];
}

function validateMaxFailedIndexes({ maxFailedIndexes, backoffLimitPerIndex }: JobSpec, at: Path): FieldError[] {
  if (maxFailedIndexes === undefined) return [];
  return [
    ...validateNonNegative(maxFailedIndexes, at.child("maxFailedIndexes")),
    ...(backoffLimitPerIndex === undefined
      ? [at.child("backoffLimitPerIndex").required("when maxFailedIndexes is specified")]
      : []),
  ];
}

function validateManagedBy(managedBy: string | undefined, at: Path): FieldError[] {
  if (managedBy === undefined) return [];
  return [...validateText(domainPrefixedPath, managedBy, at), ...(managedBy.length > 63 ? [at.tooLong(63)] : [])];
}

function validateCompletionMode(spec: JobSpec, at: Path): FieldError[] {
  const { completionMode = "NonIndexed", backoffLimitPerIndex, maxFailedIndexes } = spec;
  const errors = validateOneOf(completionMode, ["NonIndexed", "Indexed"], at.child("completionMode"));
  if (completionMode === "Indexed") errors.push(...validateIndexed(spec, at));
  if (completionMode === "NonIndexed") {
    const needsIndexes = "requires indexed completion mode";
    if (backoffLimitPerIndex !== undefined)
      errors.push(at.child("backoffLimitPerIndex").invalid(backoffLimitPerIndex, needsIndexes));
    if (maxFailedIndexes !== undefined)
      errors.push(at.child("maxFailedIndexes").invalid(maxFailedIndexes, needsIndexes));
  }
  return errors;
}

function validateIndexed(
  { completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes: failed }: JobSpec,
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const place = at.child("maxFailedIndexes");
  const limit = "must be less than or equal to";
  if (completions === undefined) errors.push(at.child("completions").required("when completion mode is Indexed"));
  if (parallelism > maxIndexed)
    errors.push(at.child("parallelism").invalid(parallelism, `${limit} ${maxIndexed} when completion mode is Indexed`));
  if (completions !== undefined && failed !== undefined && failed > completions)
    errors.push(place.invalid(failed, `${limit} completions`));
  if (failed !== undefined && failed > maxIndexed) errors.push(place.invalid(failed, `${limit} ${maxIndexed}`));
  if (completions === undefined || completions <= maxIndexed || backoffLimitPerIndex === undefined) return errors;
  const many = `${limit} ${maxIndexedWhenMany} when completions are above ${maxIndexed} and used with backoff limit per index`;
  if (failed === undefined) errors.push(place.required(`must be specified when completions is above ${maxIndexed}`));
  if (parallelism > maxIndexedWhenMany) errors.push(at.child("parallelism").invalid(parallelism, many));
  if (failed !== undefined && failed > maxIndexedWhenMany) errors.push(place.invalid(failed, many));
  return errors;
}

/** A Job's pods end: they may be started again in place or not at all. */
function validateEnds({ template, podFailurePolicy }: JobSpec, at: Path): FieldError[] {
  const policy = template?.spec?.restartPolicy ?? "";
  if (policy !== "OnFailure" && policy !== "Never") return [at.required('valid values: "OnFailure", "Never"')];
  if (podFailurePolicy && policy !== "Never")
    return [at.invalid(policy, 'only "Never" is supported when podFailurePolicy is specified')];
  return [];
}

function validateReplacementPolicy({ podReplacementPolicy, podFailurePolicy }: JobSpec, at: Path): FieldError[] {
  if (podReplacementPolicy === undefined) return [];
  return validateOneOf(podReplacementPolicy, podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"], at);
}

function validateFailurePolicy(spec: JobSpec, at: Path): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const place = at.child("rules");
  if (rules.length > maxFailureRules) return [place.tooMany(rules.length, maxFailureRules)];
  const containers = new Set(
    [...(spec.template?.spec?.initContainers ?? []), ...(spec.template?.spec?.containers ?? [])].map(
      ({ name }) => name,
    ),
  );
  return rules.flatMap((rule, i) => validateFailureRule(rule, { spec, containers, at: place.index(i) }));
}

function validateFailureRule(
  rule: PodFailurePolicyRule,
  { spec, containers, at }: { spec: JobSpec; containers: ReadonlySet<string>; at: Path },
): FieldError[] {
  const { onExitCodes, onPodConditions = [] } = rule;
  const errors = validateFailureAction(rule.action, spec, at.child("action"));
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, containers, at.child("onExitCodes")));
  onPodConditions.forEach(({ type, status = "" }, i) => {
    const place = at.child("onPodConditions").index(i);
    errors.push(...validateText(qualifiedName, type ?? "", place.child("type")));
    errors.push(...validateOneOf(status, ["False", "True", "Unknown"], place.child("status")));
  });
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(at.invalid(omittedValue, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(at.invalid(omittedValue, "specifying one of OnExitCodes and OnPodConditions is required"));
  return errors;
}

function validateFailureAction(action: string | undefined, spec: JobSpec, at: Path): FieldError[] {
  const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
  if (!action) return [at.required(`valid values: [${actions.map((a) => JSON.stringify(a)).join(" ")}]`)];
  if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
    return [at.invalid(action, "requires the backoffLimitPerIndex to be set")];
  return validateOneOf(action, actions, at);
}

function validateExitCodes(
  { operator, containerName, values: given }: PodFailurePolicyOnExitCodesRequirement,
  containers: ReadonlySet<string>,
  at: Path,
): FieldError[] {
  const values = given ?? [];
  const errors: FieldError[] = [];
  if (!operator) errors.push(at.child("operator").required('valid values: ["In" "NotIn"]'));
  else errors.push(...validateOneOf(operator, ["In", "NotIn"], at.child("operator")));
  if (containerName !== undefined && !containers.has(containerName))
    errors.push(
      at
        .child("containerName")
        .invalid(containerName, "must be one of the container or initContainer names in the pod template"),
    );
  const place = at.child("values");
  if (values.length === 0) errors.push(place.invalid(values, "at least one value is required"));
  else if (values.length > maxExitCodes) errors.push(place.tooMany(values.length, maxExitCodes));
  values.forEach((value, i) => {
    if (operator === "In" && value === 0)
      errors.push(place.index(i).invalid(value, "must not be 0 for the In operator"));
    if (values.indexOf(value) < i) errors.push(place.index(i).duplicate(value));
  });
  if (values.some((value, i) => value < (values[i - 1] ?? value)))
    errors.push(place.invalid(values, "must be ordered"));
  return errors;
}

function validateSuccessPolicy({ successPolicy, completionMode, completions = 0 }: JobSpec, at: Path): FieldError[] {
  if (!successPolicy) return [];
  if (completionMode !== "Indexed")
    return [at.invalid(shownSuccessPolicy(successPolicy), "requires indexed completion mode")];
  const rules = successPolicy.rules ?? [];
  if (rules.length === 0)
    return [at.child("rules").required("at least one rules must be specified when the successPolicy is specified")];
  if (rules.length > maxFailureRules) return [at.child("rules").tooMany(rules.length, maxFailureRules)];
  return rules.flatMap((rule, i) => validateSuccessRule(rule, completions, at.child("rules").index(i)));
}

function shownSuccessPolicy({ rules }: SuccessPolicy): object {
  return {
    Rules: (rules ?? []).map(({ succeededIndexes, succeededCount }) => ({
      SucceededIndexes: succeededIndexes ?? null,
      SucceededCount: succeededCount ?? null,
    })),
  };
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  at: Path,
): FieldError[] {
  if (succeededCount === undefined && succeededIndexes === undefined)
    return [at.required("at least one of succeededCount or succeededIndexes must be specified")];
  const errors: FieldError[] = [];
  let indexes = 0;
  if (succeededIndexes !== undefined) {
    const place = at.child("succeededIndexes");
    if (succeededIndexes.length > longestIndexes) errors.push(place.tooLong(longestIndexes));
    const counted = countIndexes(succeededIndexes, completions);
    if (typeof counted === "number") indexes = counted;
    else errors.push(place.invalid(succeededIndexes, `error parsing succeededIndexes: ${counted}`));
  }
  if (succeededCount === undefined) return errors;
  const count = at.child("succeededCount");
  const atMost = (most: number, of: string) =>
    succeededCount > most
      ? [count.invalid(succeededCount, `must be less than or equal to ${most} (the number of ${of})`)]
      : [];
  return [
    ...errors,
    ...validateNonNegative(succeededCount, count),
    ...atMost(completions, "specified completions"),
    ...(succeededIndexes === undefined ? [] : atMost(indexes, "indexes in the specified succeededIndexes field")),
  ];
}

/** The intervals of "1,3-5,7" that can be read, as first and last index. */
export function indexIntervals(text: string): (readonly [from: number, to: number])[] {
  return text.split(",").flatMap((interval) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(interval) ?? [];
    return from === undefined ? [] : [[Number(from), Number(to ?? from)] as const];
  });
}

/** How many indexes "1,3-5,7" names; what is wrong with it where it is not in order or out of range. */
export function countIndexes(text: string, completions: number): number | string {
  let count = 0;
  let last = -1;
  for (const interval of text === "" ? [] : text.split(",")) {
    const bounds = interval.split("-");
    if (bounds.length > 2)
      return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    const [first = "", second = first] = bounds;
    for (const bound of [first, second])
      if (!/^\d+$/.test(bound)) return `cannot convert string to integer for index: ${JSON.stringify(bound)}`;
    const [from, to] = [Number(first), Number(second)];
    if (from >= completions || to >= completions)
      return `too large index: ${JSON.stringify(from >= completions ? first : second)}`;
    if (bounds.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`;
    if (from <= last) return `non-increasing order, previous: ${last}, current: ${from}`;
    count += to - from + 1;
    last = to;
  }
  return count;
}
