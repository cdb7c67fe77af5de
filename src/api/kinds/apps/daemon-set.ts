import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { DaemonSet, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { validatePodTemplate } from "../../validate/pod-template.ts";
import { validateAtMost100Percent, validateIntOrPercent, validateNonNegative } from "../../validate/values.ts";
import { shownLabels, templateColumns } from "./workload.ts";
import {
  amountOf,
  isEmptySelector,
  isUsableSelector,
  templateWarnings,
  validateCollisions,
  validateCounts,
  validateRunsForever,
  validateSelectsTemplate,
} from "./workload-rules.ts";

/** Counts the templates that there have been; older clients read it. */
const templateGeneration = "deprecated.daemonset.template.generation";

export const daemonSet = defineKind<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  shortNames: ["ds"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: { status: true },
  generation: true,
  fieldAnnotations: [templateGeneration],
  immutable: ["spec.selector"],
  changesFirst: true,
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", cell: ({ status }) => status?.desiredNumberScheduled ?? 0 },
    { name: "Current", type: "integer", cell: ({ status }) => status?.currentNumberScheduled ?? 0 },
    { name: "Ready", type: "integer", cell: ({ status }) => status?.numberReady ?? 0 },
    { name: "Up-to-date", type: "integer", cell: ({ status }) => status?.updatedNumberScheduled ?? 0 },
    { name: "Available", type: "integer", cell: ({ status }) => status?.numberAvailable ?? 0 },
    { name: "Node Selector", type: "string", cell: ({ spec }) => shownLabels(spec.template.spec?.nodeSelector) },
    ageColumn,
    ...templateColumns<DaemonSet>({ template: ({ spec }) => spec.template, selector: ({ spec }) => spec.selector }),
  ],

  defaults(daemonSet) {
    const { spec } = daemonSet;
    setTemplateGeneration(daemonSet, templateGenerationOf(daemonSet));
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
  },

  prepareCreate(daemonSet) {
    setTemplateGeneration(daemonSet, Math.max(templateGenerationOf(daemonSet), 1));
  },

  prepareUpdate(daemonSet, old) {
    const changed = !isDeepStrictEqual(daemonSet.spec.template, old.spec.template);
    setTemplateGeneration(daemonSet, templateGenerationOf(old) + (changed ? 1 : 0));
  },

  validate({ spec }, root) {
    const at = root.child("spec");
    const { selector, template } = spec;
    const place = at.child("template");
    return [
      ...validateLabelSelector(selector, at.child("selector")),
      ...(!selector || isUsableSelector(selector) ? validateSelectsTemplate(selector, template, place) : []),
      ...(selector && isEmptySelector(selector)
        ? [at.child("selector").invalid(selector, "empty selector is invalid for daemonset")]
        : []),
      ...validatePodTemplate(template, place),
      ...validateRunsForever(template, { workload: "DaemonSet", at: place }),
      ...validateNonNegative(spec.minReadySeconds, at.child("minReadySeconds")),
      ...validateUpdateStrategy(spec.updateStrategy ?? {}, at.child("updateStrategy")),
      ...validateNonNegative(spec.revisionHistoryLimit, at.child("revisionHistoryLimit")),
    ];
  },

  warnings: (object, old) => templateWarnings(object, old, object.spec.template),

  validateSubresource(_subresource, { status }, old, root) {
    const at = root.child("status");
    if (!status) return [];
    const errors = validateCounts(status, at, [
      "currentNumberScheduled",
      "numberMisscheduled",
      "desiredNumberScheduled",
      "numberReady",
      "observedGeneration",
      "updatedNumberScheduled",
      "numberAvailable",
      "numberUnavailable",
      "collisionCount",
    ]);
    return [...errors, ...validateCollisions(status, old.status, at)];
  },
});

function templateGenerationOf({ metadata }: DaemonSet): number {
  return Number.parseInt(metadata.annotations?.[templateGeneration] ?? "0", 10) || 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function validateUpdateStrategy({ type = "", rollingUpdate }: DaemonSetUpdateStrategy, at: Path): FieldError[] {
  if (type === "OnDelete") return [];
  if (type === "RollingUpdate")
    return rollingUpdate
      ? validateRollingUpdate(rollingUpdate, at.child("rollingUpdate"))
      : [at.child("rollingUpdate").required()];
  const shown = {
    Type: type,
    RollingUpdate: rollingUpdate
      ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 }
      : null,
  };
  return [at.notSupported(shown, ["RollingUpdate", "OnDelete"])];
}

function validateRollingUpdate({ maxUnavailable, maxSurge }: RollingUpdateDaemonSet, at: Path): FieldError[] {
  const unavailable = at.child("maxUnavailable");
  const surge = at.child("maxSurge");
  const both = amountOf(maxUnavailable) !== 0 && amountOf(maxSurge) !== 0;
  const neither = amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0;
  return [
    ...validateIntOrPercent(maxUnavailable, unavailable),
    ...validateIntOrPercent(maxSurge, surge),
    ...validateAtMost100Percent(maxUnavailable, unavailable),
    ...validateAtMost100Percent(maxSurge, surge),
    ...(both ? [surge.invalid(maxSurge, "may not be set when maxUnavailable is non-zero")] : []),
    ...(neither ? [unavailable.required("cannot be 0 when maxSurge is 0")] : []),
  ];
}
