import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ResourceSlice } from "../../schema/types.ts";
import { validateSlice } from "./slice-rules.ts";

export const resourceSlice = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  scope: "Cluster",
  trustsOldMetadata: true,
  generation: true,
  deletion: { answersObject: true },
  selectable: ["spec.nodeName", "spec.driver"],
  unselectable: (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
  columns: [
    nameColumn,
    { name: "Node", type: "string", cell: ({ spec }) => spec.nodeName ?? "" },
    { name: "Driver", type: "string", cell: ({ spec }) => spec.driver },
    { name: "Pool", type: "string", cell: ({ spec }) => spec.pool?.name ?? "" },
    ageColumn,
  ],

  validateCreate: ({ spec }, root) => validateSlice(spec, root.child("spec")),

  validateUpdate: ({ spec }, old, root) => [
    ...validateSlice(spec, root.child("spec"), old.spec),
    ...(
      [
        [spec.pool?.name, old.spec.pool?.name, "pool", "name"],
        [spec.driver, old.spec.driver, "driver"],
        [spec.nodeName, old.spec.nodeName, "nodeName"],
      ] as const
    ).flatMap(([now, before, ...path]) =>
      isDeepStrictEqual(now, before) ? [] : [root.child("spec", ...path).invalid(now, "field is immutable")],
    ),
  ],
});
