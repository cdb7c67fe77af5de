import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { CSINode, CSINodeDriver } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateNonNegative, validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";

const maxNodeIdLength = 192;

export const csiNode = defineKind<CSINode>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  scope: "Cluster",
  unconditionalUpdate: false,
  judgedTwice: "whole",
  deletion: { answersObject: true },
  columns: [nameColumn, { name: "Drivers", type: "integer", cell: ({ spec }) => spec.drivers?.length ?? 0 }, ageColumn],

  validate({ spec }, root) {
    const at = root.child("spec", "drivers");
    const drivers = spec.drivers ?? [];
    const names = drivers.map(({ name }) => name);
    return drivers.flatMap((driver, i) => [
      ...validateDriver(driver, at.index(i)),
      ...(names.indexOf(driver.name) < i ? [at.index(i).child("name").duplicate(driver.name)] : []),
    ]);
  },

  // A driver that a node has may leave, and come back changed, but not change in place.
  validateUpdate({ spec }, old, root) {
    const before = new Map((old.spec.drivers ?? []).map((driver) => [driver.name, driver]));
    return (spec.drivers ?? []).flatMap((driver) => {
      const was = before.get(driver.name);
      return !was || isDeepStrictEqual({ ...was, allocatable: 0 }, { ...driver, allocatable: 0 })
        ? []
        : [root.child("spec", "drivers").invalid(shownDriver(driver), "field is immutable")];
    });
  },
});

/** A driver as Kubernetes prints one whose count may change. */
function shownDriver({ name, nodeID, topologyKeys }: CSINodeDriver): object {
  return { Name: name, NodeID: nodeID, TopologyKeys: topologyKeys ?? null, Allocatable: null };
}

function validateDriver({ name = "", nodeID = "", topologyKeys, allocatable }: CSINodeDriver, at: Path): FieldError[] {
  const id = at.child("nodeID");
  return [
    ...validateCsiDriverName(name, at.child("name")),
    ...(nodeID ? [] : [id.required()]),
    ...(nodeID.length > maxNodeIdLength ? [id.invalid(nodeID, `must be ${maxNodeIdLength} characters or less`)] : []),
    ...validateNonNegative(allocatable?.count, at.child("allocatable", "count")),
    ...(topologyKeys ?? []).flatMap((key, i) => [
      ...(key === "" ? [at.required()] : []),
      ...((topologyKeys ?? []).indexOf(key) < i ? [at.duplicate(key)] : []),
      ...validateText(qualifiedName, key, at),
    ]),
  ];
}
