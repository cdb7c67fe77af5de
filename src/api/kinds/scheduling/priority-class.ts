import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { PriorityClass } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";

const highestOfUsers = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

export const priorityClass = defineKind<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  shortNames: ["pc"],
  scope: "Cluster",
  trustsOldMetadata: true,
  generation: true,
  raisesGeneration: () => false,
  columns: [
    nameColumn,
    { name: "Value", type: "integer", cell: ({ value }) => value ?? 0 },
    { name: "Global-Default", type: "boolean", cell: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: "PreemptionPolicy", type: "string", cell: ({ preemptionPolicy }) => preemptionPolicy ?? "" },
  ],

  defaults(priorityClass) {
    priorityClass.preemptionPolicy ??= "PreemptLowerPriority";
  },

  validateCreate: (priorityClass, root) => [
    ...validateValue(priorityClass, root),
    ...validateOneOf(priorityClass.preemptionPolicy, ["PreemptLowerPriority", "Never"], root.child("preemptionPolicy")),
  ],

  validateUpdate: ({ value = 0, preemptionPolicy }, old, root) => [
    ...(value === (old.value ?? 0) ? [] : [root.child("value").forbidden("may not be changed in an update.")]),
    ...(preemptionPolicy === old.preemptionPolicy
      ? []
      : [root.child("preemptionPolicy").invalid(preemptionPolicy, "field is immutable")]),
  ],
});

function validateValue(
  { metadata: { name }, value = 0, globalDefault = false }: PriorityClass,
  root: Path,
): FieldError[] {
  if (!name?.startsWith("system-"))
    return value > highestOfUsers
      ? [root.child("value").forbidden(`maximum allowed value of a user defined priority is ${highestOfUsers}`)]
      : [];
  const wrong = systemClassError(name, value, globalDefault);
  return wrong
    ? [
        root
          .child("metadata", "name")
          .forbidden(`priority class names with 'system-' prefix are reserved for system use only. error: ${wrong}`),
      ]
    : [];
}

function systemClassError(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemClasses[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
