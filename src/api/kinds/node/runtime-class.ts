import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import { labelWarnings } from "../../label-warnings.ts";
import type { RuntimeClass, Scheduling, Toleration } from "../../schema/types.ts";
import { validateLabels } from "../../validate/labels.ts";
import { dnsLabel } from "../../validate/names.ts";
import { validateNonNegativeQuantity, validateText } from "../../validate/values.ts";

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
    ...Object.entries(overhead?.podFixed ?? {}).flatMap(([resource, quantity]) =>
      validateNonNegativeQuantity(quantity, root.child("overhead", "limits").key(resource)),
    ),
    ...(scheduling ? validateScheduling(scheduling, root.child("scheduling")) : []),
  ],
});

function validateScheduling({ nodeSelector, tolerations = [] }: Scheduling, at: Path): FieldError[] {
  const place = at.child("tolerations");
  return [
    ...validateLabels(nodeSelector, at.child("nodeSelector")),
    ...tolerations.flatMap((toleration, i) =>
      tolerations.slice(0, i).some((other) => isDeepStrictEqual(other, toleration))
        ? [place.index(i).duplicate(shownToleration(toleration))]
        : [],
    ),
  ];
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
