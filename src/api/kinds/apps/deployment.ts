import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { Deployment, DeploymentStatus, DeploymentStrategy, RollingUpdateDeployment } from "../../schema/types.ts";
import { validateAtMost100Percent, validateIntOrPercent, validateNonNegative } from "../../validate/values.ts";
import { templateColumns } from "./workload.ts";
import {
  amountOf,
  podNameWarnings,
  templateWarnings,
  validateCollisions,
  validateCounts,
  validateReplicatedTemplate,
  validateWorkloadSelector,
} from "./workload-rules.ts";

export const deployment = defineKind<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: {
    // Labels are what it is selected by: its status may not change them.
    status: { sort: "part", owns: ["status"], keeps: ["metadata.labels"], verbs: ["get", "patch", "update"] },
    scale: { specReplicas: "spec.replicas", statusReplicas: "status.replicas", selector: "spec.selector" },
  },
  generation: true,
  // `kubectl rollout restart` and the controllers' hints live in annotations: they count as a change of what is wanted.
  raisesGeneration: (after, before) =>
    !isDeepStrictEqual(after.spec, before.spec) ||
    !isDeepStrictEqual(after.metadata.annotations ?? {}, before.metadata.annotations ?? {}),
  immutable: ["spec.selector"],
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    { name: "Up-to-date", type: "string", cell: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: "Available", type: "string", cell: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns<Deployment>({
      template: ({ spec }) => spec.template,
      selector: ({ spec }) => spec.selector,
    }),
  ],

  defaults(deployment) {
    const { spec } = deployment;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ??= "RollingUpdate";
    if (spec.strategy.type === "RollingUpdate") {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
      spec.strategy.rollingUpdate.maxSurge ??= "25%";
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },

  validate({ spec }, root) {
    const at = root.child("spec");
    const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
    const errors = [
      ...validateNonNegative(spec.replicas, at.child("replicas")),
      ...validateWorkloadSelector(spec.selector, { workload: "deployment", at: at.child("selector") }),
      ...validateReplicatedTemplate(spec, at),
      ...validateStrategy(spec.strategy ?? {}, at.child("strategy")),
      ...validateNonNegative(spec.minReadySeconds, at.child("minReadySeconds")),
      ...validateNonNegative(spec.revisionHistoryLimit, at.child("revisionHistoryLimit")),
      ...validateNonNegative(progressDeadlineSeconds, at.child("progressDeadlineSeconds")),
    ];
    if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds)
      errors.push(
        at.child("progressDeadlineSeconds").invalid(progressDeadlineSeconds, "must be greater than minReadySeconds"),
      );
    return errors;
  },

  warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old, object.spec.template)],

  validateSubresource(_subresource, { status = {} }, old, root) {
    const at = root.child("status");
    const errors = validateStatus(status, at);
    return [...errors, ...validateCollisions(status, old.status, at)];
  },
});

function validateStrategy(strategy: DeploymentStrategy, at: Path): FieldError[] {
  const { type = "", rollingUpdate } = strategy;
  const rolling = at.child("rollingUpdate");
  if (type === "Recreate")
    return rollingUpdate ? [rolling.forbidden("may not be specified when strategy `type` is 'Recreate'")] : [];
  if (type === "RollingUpdate")
    return rollingUpdate
      ? validateRollingUpdate(rollingUpdate, rolling)
      : [rolling.required("this should be defaulted and never be nil")];
  const shown = {
    Type: type,
    RollingUpdate: rollingUpdate
      ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 }
      : null,
  };
  return [at.notSupported(shown, ["Recreate", "RollingUpdate"])];
}

function validateRollingUpdate({ maxUnavailable, maxSurge }: RollingUpdateDeployment, at: Path): FieldError[] {
  const unavailable = at.child("maxUnavailable");
  return [
    ...validateIntOrPercent(maxUnavailable, unavailable),
    ...validateIntOrPercent(maxSurge, at.child("maxSurge")),
    ...(amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0
      ? [unavailable.invalid(maxUnavailable, "may not be 0 when `maxSurge` is 0")]
      : []),
    ...validateAtMost100Percent(maxUnavailable, unavailable),
  ];
}

function validateStatus(status: DeploymentStatus, at: Path): FieldError[] {
  const errors = validateCounts(status, at, [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
  ]);
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const tooMany = "cannot be greater than status.replicas";
  if (updatedReplicas > replicas) errors.push(at.child("updatedReplicas").invalid(updatedReplicas, tooMany));
  if (readyReplicas > replicas) errors.push(at.child("readyReplicas").invalid(readyReplicas, tooMany));
  if (availableReplicas > replicas) errors.push(at.child("availableReplicas").invalid(availableReplicas, tooMany));
  if (availableReplicas > readyReplicas)
    errors.push(at.child("availableReplicas").invalid(availableReplicas, "cannot be greater than readyReplicas"));
  return errors;
}
