import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { PodTemplateSpec, StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from "../../schema/types.ts";
import { validateClaimSpec } from "../../validate/claims.ts";
import { dnsLabel } from "../../validate/names.ts";
import { validatePodMetadata, validatePodTemplate } from "../../validate/pod-template.ts";
import {
  validateAtMost100Percent,
  validateIntOrPercent,
  validateNonNegative,
  validateOneOf,
  validateText,
} from "../../validate/values.ts";
import { claimSpecWarnings } from "../core/claim-warnings.ts";
import { templateColumns } from "./workload.ts";
import {
  amountOf,
  isUsableSelector,
  templateWarnings,
  validateCollisions,
  validateReplicaCounts,
  validateRunsForever,
  validateSelectsTemplate,
  validateWorkloadSelector,
} from "./workload-rules.ts";

const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

const onlySomeChange =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSet = defineKind<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: {
    status: true,
    scale: { specReplicas: "spec.replicas", statusReplicas: "status.replicas", selector: "spec.selector" },
  },
  generation: true,
  // Its pods' names and host names begin with its own.
  validateName: dnsLabel,
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    ageColumn,
    ...templateColumns<StatefulSet>({ template: ({ spec }) => spec.template }),
  ],

  defaults({ spec }) {
    spec.podManagementPolicy ??= "OrderedReady";
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= "RollingUpdate";
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= "Retain";
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= "Retain";
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = "v1";
      claim.kind = "PersistentVolumeClaim";
      claim.spec ??= {};
      claim.spec.volumeMode ??= "Filesystem";
      claim.status = { phase: "Pending", ...claim.status };
    }
  },

  prepareCreate: (set) => dropDisabled(set),
  prepareUpdate: (set, old) => dropDisabled(set, old),

  validateCreate: ({ spec }, root) =>
    validateSpec(spec, { at: root.child("spec"), isNew: true, template: validatePodTemplate }),

  validateUpdate({ spec }, old, root) {
    const at = root.child("spec");
    // A template that was let in before templates were looked at stays.
    const wasGood = validateSpec(old.spec, { at, isNew: false, template: validatePodTemplate }).length === 0;
    return [
      ...validateSpec(spec, { at, isNew: false, template: wasGood ? validatePodTemplate : () => [] }),
      ...(isDeepStrictEqual(fixed(spec), fixed(old.spec)) ? [] : [at.forbidden(onlySomeChange)]),
    ];
  },

  validateSubresource(_subresource, { status }, old, root) {
    const at = root.child("status");
    if (!status) return [];
    return [
      ...validateReplicaCounts(status, at, {
        parts: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
        others: ["observedGeneration", "collisionCount"],
        ready: "status.readyReplicas",
      }),
      ...validateCollisions(status, old.status, at),
    ];
  },

  warnings: (object, old) => [
    ...templateWarnings(object, old, object.spec.template),
    ...(object.spec.volumeClaimTemplates ?? []).flatMap(({ spec }, i) =>
      claimSpecWarnings(spec, `spec.volumeClaimTemplates[${i}].Spec`),
    ),
    ...((object.spec.revisionHistoryLimit ?? 0) < 0
      ? ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"]
      : []),
  ],
});

/** Updating several pods at once is not enabled in this version; where an object has it already, it stays. */
function dropDisabled({ spec }: StatefulSet, old?: StatefulSet): void {
  if (old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
    delete spec.updateStrategy?.rollingUpdate?.maxUnavailable;
}

/** What of a spec keeps its value for ever. */
function fixed(spec: StatefulSetSpec): object {
  return Object.fromEntries(
    Object.entries(spec).filter(([field]) => !(changeable as readonly string[]).includes(field)),
  );
}

interface SpecOptions {
  readonly at: Path;
  /** What cannot change is looked at once only. */
  readonly isNew: boolean;
  readonly template: typeof validatePodTemplate;
}

function validateSpec(spec: StatefulSetSpec, { at, isNew, template: validateTemplate }: SpecOptions): FieldError[] {
  const { podManagementPolicy: policy = "", selector, template = {}, serviceName } = spec;
  const place = at.child("template");
  return [
    ...(policy === ""
      ? [at.child("podManagementPolicy").required()]
      : ["OrderedReady", "Parallel"].includes(policy)
        ? []
        : [at.child("podManagementPolicy").invalid(policy, "must be 'OrderedReady' or 'Parallel'")]),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, at.child("updateStrategy")),
    ...validateRetention(spec, at.child("persistentVolumeClaimRetentionPolicy")),
    ...(isNew ? (spec.volumeClaimTemplates ?? []) : []).flatMap((claim, i) =>
      validateClaimSpec(claim.spec ?? {}, at.child("volumeClaimTemplates").index(i).child("spec")),
    ),
    ...validateNonNegative(spec.replicas, at.child("replicas")),
    ...validateNonNegative(spec.minReadySeconds, at.child("minReadySeconds")),
    ...validateNonNegative(spec.ordinals?.start, at.child("ordinals", "start")),
    ...(isNew && serviceName ? validateText(dnsLabel, serviceName, at.child("serviceName")) : []),
    ...validateWorkloadSelector(selector, { workload: "statefulset", at: at.child("selector") }),
    ...(selector && !isUsableSelector(selector)
      ? [at.child("selector").invalid(selector, "")]
      : [
          ...validateSelectsTemplate(selector, template, place),
          ...validateTemplate(templateOfPods(spec), place),
          ...validatePodMetadata(template, place),
        ]),
    ...validateRunsForever(template, { workload: "StatefulSet", at: place }),
  ];
}

/** The template as its pods will have it: they get their host names, and volumes of their claims, from the controller. */
function templateOfPods({ template = {}, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ""));
  const { subdomain: _domain, hostname: _host, ...pods } = template.spec ?? { containers: [] };
  const claimed = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (pods.volumes ?? []).filter(({ name }) => !names.has(name));
  return { ...template, spec: { ...pods, volumes: [...claimed, ...others] } };
}

function validateUpdateStrategy({ type = "", rollingUpdate }: StatefulSetUpdateStrategy, at: Path): FieldError[] {
  const rolling = at.child("rollingUpdate");
  const shown = rollingUpdate
    ? { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: rollingUpdate.maxUnavailable ?? null }
    : null;
  switch (type) {
    case "":
      return [at.required()];
    case "OnDelete":
      return rollingUpdate ? [rolling.invalid(shown, "only allowed for updateStrategy 'RollingUpdate'")] : [];
    case "RollingUpdate": {
      const { partition, maxUnavailable } = rollingUpdate ?? {};
      const unavailable = rolling.child("maxUnavailable");
      return [
        ...validateNonNegative(partition, rolling.child("partition")),
        ...validateIntOrPercent(maxUnavailable, unavailable),
        ...(maxUnavailable !== undefined && amountOf(maxUnavailable) === 0
          ? [unavailable.invalid(maxUnavailable, "cannot be 0")]
          : []),
        ...validateAtMost100Percent(maxUnavailable, unavailable),
      ];
    }
    default:
      return [at.invalid({ Type: type, RollingUpdate: shown }, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec, at: Path): FieldError[] {
  if (!policy) return [];
  const valid = ["Retain", "Delete"];
  return [
    ...validateOneOf(policy.whenDeleted, valid, at.child("whenDeleted")),
    ...validateOneOf(policy.whenScaled, valid, at.child("whenScaled")),
  ];
}
