import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import { humanDuration } from "../../duration.ts";
import type { FieldError, Path } from "../../field.ts";
import { goView, podSpecView, templateView } from "../../go-view.ts";
import { defineKind } from "../../kind.ts";
import type { Container, Job, JobSpec, PodSpec } from "../../schema/types.ts";
import { selects } from "../../selector.ts";
import { inKeyOrder, validateLabelSelector } from "../../validate/labels.ts";
import { templateColumns } from "../apps/workload.ts";
import { isUsableSelector, podNameWarnings } from "../apps/workload-rules.ts";
import { setFailurePolicyDefaults, validateJobTemplateSpec } from "./job-rules.ts";
import { validateJobStatus } from "./job-status-rules.ts";
import { jobWarnings } from "./job-warnings.ts";

const uidLabel = "batch.kubernetes.io/controller-uid";
const nameLabel = "batch.kubernetes.io/job-name";
const oldUidLabel = "controller-uid";
const oldNameLabel = "job-name";
const unlimited = 2147483647;

export const job = defineKind<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  scope: "Namespaced",
  subresources: { status: true },
  generation: true,
  selectable: [{ field: "status.successful", value: ({ status }) => String(status?.succeeded ?? 0) }],
  unselectable: (field) => `field label ${JSON.stringify(field)} not supported for batchv1.Job`,
  deletion: {
    propagation: "orphan",
    warning:
      "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
  },
  columns: [
    nameColumn,
    { name: "Status", type: "string", cell: statusText },
    { name: "Completions", type: "string", cell: completionsText },
    { name: "Duration", type: "string", cell: durationText },
    ageColumn,
    ...templateColumns<Job>({ template: ({ spec }) => spec.template, selector: ({ spec }) => spec.selector }),
  ],

  defaults(job) {
    const { spec } = job;
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : unlimited;
    labelLikeTemplate(job);
    spec.completionMode ??= "NonIndexed";
    spec.suspend ??= false;
    spec.manualSelector ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
    setFailurePolicyDefaults(spec.podFailurePolicy);
  },

  prepareCreate(job) {
    // Labels that were taken from the template stay those of the template, with what is added to it here.
    const taken = isDeepStrictEqual(job.metadata.labels, job.spec.template.metadata?.labels);
    if (!job.spec.manualSelector) selectOwnPods(job);
    if (taken) delete job.metadata.labels;
    labelLikeTemplate(job);
  },

  prepareUpdate: labelLikeTemplate,
  // The labels that a Job takes from its template are made when it is read.
  firstUpdateWrites: ({ metadata, spec }) => isDeepStrictEqual(metadata.labels, spec.template.metadata?.labels),

  validate: (job, root) => [...validateOwnSelector(job, root), ...validateSpec(job, root.child("spec"))],

  validateUpdate(job, old, root) {
    const at = root.child("spec");
    const fixed = (...fields: (keyof JobSpec)[]): FieldError[] =>
      fields.flatMap((field) =>
        isDeepStrictEqual(job.spec[field], old.spec[field])
          ? []
          : [at.child(field).invalid(shownField(job, field), "field is immutable")],
      );
    return [
      // Kubernetes looks at the spec once more here.
      ...validateSpec(job, at),
      ...validateCompletions(job, old, at.child("completions")),
      ...fixed("selector"),
      ...(isAtRest(old) ? validateTemplateAtRest(job, old, at.child("template", "spec")) : fixed("template")),
      ...fixed("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"),
    ];
  },

  warnings: (object, old) => [...podNameWarnings(object, old), ...jobWarnings(object, old, object.spec, "spec")],

  validateSubresource: (_subresource, job, old, root) => validateJobStatus(job, old, root.child("status")),
});

/** A field of the spec as Kubernetes prints it. */
function shownField({ spec }: Job, field: keyof JobSpec): unknown {
  const { template, podFailurePolicy, successPolicy } = spec;
  if (field === "template") return templateView(template);
  if (field === "podFailurePolicy") return podFailurePolicy && goView("PodFailurePolicy", podFailurePolicy);
  return field === "successPolicy" ? successPolicy && goView("SuccessPolicy", successPolicy) : spec[field];
}

/** Gives the Job's pods labels of their own and selects them by the Job's uid. */
function selectOwnPods({ metadata: { name, uid = "" }, spec }: Job): void {
  spec.template.metadata ??= {} as NonNullable<typeof spec.template.metadata>;
  const labels = { ...spec.template.metadata.labels };
  for (const label of [oldNameLabel, nameLabel]) labels[label] ??= name;
  for (const label of [oldUidLabel, uidLabel]) labels[label] ??= uid;
  spec.template.metadata.labels = labels;
  spec.selector ??= {};
  spec.selector.matchLabels = inKeyOrder({ [uidLabel]: uid, ...spec.selector.matchLabels });
}

/** A Job without labels bears those of its pods. */
function labelLikeTemplate({ metadata, spec }: Job): void {
  const labels = spec.template?.metadata?.labels;
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

/** A selector that the server made still selects what the server made it for. */
function validateOwnSelector({ metadata: { name, uid = "" }, spec }: Job, root: Path): FieldError[] {
  if (spec.manualSelector || !spec.selector || !isUsableSelector(spec.selector)) return [];
  const own = { [uidLabel]: uid, [nameLabel]: name, [oldUidLabel]: uid, [oldNameLabel]: name };
  const labels = spec.template.metadata?.labels ?? {};
  const at = root.child("spec", "template", "metadata", "labels");
  const errors = Object.entries(own).flatMap(([label, value]) =>
    labels[label] === value
      ? []
      : [
          labels[label] === undefined
            ? at.key(label).required(`must be '${value}'`)
            : at.key(label).invalid(labels, `must be '${value}'`),
        ],
  );
  if (!selects(spec.selector, own))
    errors.push(root.child("spec", "selector").invalid(spec.selector, "`selector` not auto-generated"));
  return errors;
}

function validateSpec({ spec }: Job, at: Path): FieldError[] {
  const { selector, template } = spec;
  const labels = template?.metadata?.labels;
  const mismatch = (!selector || isUsableSelector(selector)) && !selects(selector, labels);
  const shown = labels && Object.keys(labels).length > 0 ? inKeyOrder(labels) : undefined;
  return [
    ...validateJobTemplateSpec(spec, at),
    ...(selector ? validateLabelSelector(selector, at.child("selector")) : [at.child("selector").required()]),
    ...(mismatch
      ? [at.child("template", "metadata", "labels").invalid(shown, "`selector` does not match template `labels`")]
      : []),
  ];
}

/** An Indexed Job may grow and shrink when completions and parallelism stay equal; others keep their completions. */
function validateCompletions(job: Job, old: Job, at: Path): FieldError[] {
  const { completions, parallelism, completionMode } = job.spec;
  if (completions === old.spec.completions) return [];
  if (completionMode !== "Indexed") return [at.invalid(completions, "field is immutable")];
  // That an Indexed Job has completions is said elsewhere.
  if (completions !== undefined && completions !== parallelism)
    return [at.invalid(completions, "can only be modified in tandem with spec.parallelism")];
  return [];
}

/** Whether nothing of the Job runs, nor will before it is resumed. */
function isAtRest({ spec, status = {} }: Job): boolean {
  const isSuspended = status.conditions?.some((one) => one.type === "Suspended" && one.status === "True");
  return spec.suspend === true && !status.active && (status.startTime === undefined || isSuspended === true);
}

/** Of a Job at rest it may change where its pods will run, and what they will be given. */
function validateTemplateAtRest(job: Job, old: Job, at: Path): FieldError[] {
  const { template } = job.spec;
  return isDeepStrictEqual(fixedAtRest(template.spec), fixedAtRest(old.spec.template.spec))
    ? []
    : [at.invalid(podSpecView({ ...template.spec }), "field is immutable")];
}

function fixedAtRest(spec: PodSpec = { containers: [] }): object {
  const { affinity = {}, nodeSelector: _nodes, tolerations: _taints, schedulingGates: _gates, ...others } = spec;
  const { nodeAffinity: _node, ...amongPods } = affinity;
  const { containers, initContainers = [], ...rest } = others;
  const withoutResources = ({ resources: _, ...container }: Container): object => container;
  return {
    ...rest,
    amongPods,
    containers: containers.map(withoutResources),
    initContainers: initContainers.map(withoutResources),
  };
}

function statusText({ metadata, status }: Job): string {
  const has = (type: string) => status?.conditions?.some((c) => c.type === type && c.status === "True");
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function completionsText({ spec: { completions, parallelism = 0 }, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Job, now: number): string {
  if (!status?.startTime) return "";
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}
