import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import { labelWarnings } from "../../label-warnings.ts";
import type { RuntimeClass, Scheduling, Toleration } from "../../schema/types.ts";
import { validateLabels } from "../../validate/labels.ts";
import { dnsLabel } from "../../validate/names.ts";
import { validateResources } from "../../validate/resources.ts";
import { validateTolerations } from "../../validate/tolerations.ts";
import { validateText } from "../../validate/values.ts";

export const runtimeClass = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  scope: "Cluster",
  unconditionalUpdate: false,
  immutable: ["handler"],
  columns: [nameColumn, { name: "Handler", type: "string", cell: ({ handler }) => handler }, ageColumn],

  warnings: ({ scheduling }) =>
    labelWarnings(Object.keys(scheduling?.nodeSelector ?? {}), () => "scheduling.nodeSelector"),

  validateCreate: ({ handler = "", overhead, scheduling }, root) => [
    ...(handler ? validateText(dnsLabel, handler, root.child("handler")) : [root.child("handler").required()]),
    // Kubernetes checks the overhead as if it were a container's limits, and says so.
    ...(overhead
      ? validateResources({ limits: overhead.podFixed ?? {} }, { claims: new Set() }, root.child("overhead"))
      : []),
    ...(scheduling ? validateScheduling(scheduling, root.child("scheduling")) : []),
  ],
});

function validateScheduling({ nodeSelector, tolerations = [] }: Scheduling, at: Path): FieldError[] {
  const place = at.child("tolerations");
  return [
    ...validateLabels(nodeSelector, at.child("nodeSelector")),
    ...validateTolerations(tolerations, place),
    ...tolerations.flatMap((toleration, i) =>
      tolerations.slice(0, i).some((other) => sameToleration(other, toleration))
        ? [place.index(i).duplicate(shownToleration(toleration))]
        : [],
    ),
  ];
}

function sameToleration(a: Toleration, b: Toleration): boolean {
  return (["key", "operator", "value", "effect"] as const).every((field) => (a[field] ?? "") === (b[field] ?? ""));
}

function shownToleration({ key, operator, value, effect, tolerationSeconds }: Toleration): object {
  return {
    Key: key ?? "",
    Operator: operator ?? "",
    Value: value ?? "",
    Effect: effect ?? "",
    TolerationSeconds: tolerationSeconds ?? null,
  };
}
