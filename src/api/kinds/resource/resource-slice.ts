import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { Device, ResourceSlice, ResourceSliceSpec } from "../../schema/types.ts";
import { dnsLabel, dnsSubdomain, type TextRule } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";

const maxDevices = 128;
const places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"] as const;
const attributeValues = ["int", "bool", "string", "version", "ints", "bools", "strings", "versions"] as const;

/** Subdomains with slashes between them. */
const poolName: TextRule = (text) => text.split("/").flatMap((part) => dnsSubdomain(part));

export const resourceSlice = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  scope: "Cluster",
  generation: true,
  deletion: { answersObject: true },
  selectable: ["spec.nodeName", "spec.driver"],
  columns: [
    nameColumn,
    { name: "Node", type: "string", cell: ({ spec }) => spec.nodeName ?? "" },
    { name: "Driver", type: "string", cell: ({ spec }) => spec.driver },
    { name: "Pool", type: "string", cell: ({ spec }) => spec.pool?.name ?? "" },
    ageColumn,
  ],

  validate: ({ spec }, root) => validateSpec(spec, root.child("spec")),

  validateUpdate: ({ spec }, old, root) =>
    (
      [
        [spec.pool?.name, old.spec.pool?.name, "pool", "name"],
        [spec.driver, old.spec.driver, "driver"],
        [spec.nodeName, old.spec.nodeName, "nodeName"],
        [spec.nodeSelector, old.spec.nodeSelector, "nodeSelector"],
        [spec.allNodes, old.spec.allNodes, "allNodes"],
        [spec.perDeviceNodeSelection, old.spec.perDeviceNodeSelection, "perDeviceNodeSelection"],
      ] as const
    ).flatMap(([now, before, ...path]) =>
      isDeepStrictEqual(now, before) ? [] : [root.child("spec", ...path).invalid(now, "field is immutable")],
    ),
});

function validateSpec(spec: ResourceSliceSpec, at: Path): FieldError[] {
  const { driver = "", pool, devices = [] } = spec;
  const list = at.child("devices");
  const names = devices.map(({ name }) => name);
  return [
    ...validateCsiDriverName(driver, at.child("driver")),
    ...validatePool(pool ?? {}, at.child("pool")),
    ...validatePlace(spec, at),
    ...(devices.length > maxDevices ? [list.tooMany(devices.length, maxDevices)] : []),
    ...devices.flatMap((device, i) => [
      ...validateDevice(device, list.index(i)),
      ...(names.indexOf(device.name) < i ? [list.index(i).duplicate(device.name)] : []),
    ]),
  ];
}

function validatePool(
  { name = "", resourceSliceCount = 0, generation = 0 }: Partial<ResourceSliceSpec["pool"]>,
  at: Path,
): FieldError[] {
  return [
    ...(name ? validateText(poolName, name, at.child("name")) : [at.child("name").required()]),
    ...(resourceSliceCount <= 0
      ? [at.child("resourceSliceCount").invalid(resourceSliceCount, "must be greater than zero")]
      : []),
    ...(generation < 0 ? [at.child("generation").invalid(generation, "must be greater than or equal to zero")] : []),
  ];
}

/** Devices are somewhere: on one node, on some, on all, or each says where. */
function validatePlace(spec: ResourceSliceSpec, at: Path): FieldError[] {
  const one = `exactly one of ${places.map((place) => `\`${place}\``).join(", ")} is required`;
  const set = places.filter((place) => spec[place] !== undefined);
  if (set.length === 0) return [at.required(one)];
  const shown = `{${set.map((place) => `\`${place}\``).join(", ")}}`;
  return set.length > 1 ? [at.invalid(shown, `${one}, but multiple fields are set`)] : [];
}

function validateDevice({ name = "", attributes = {} }: Device, at: Path): FieldError[] {
  return [
    ...(name ? validateText(dnsLabel, name, at.child("name")) : [at.child("name").required()]),
    ...Object.entries(attributes).flatMap(([key, attribute]) => {
      const values = attributeValues.filter((value) => attribute[value] !== undefined);
      const place = at.child("attributes").key(key);
      if (values.length === 1) return [];
      return [
        values.length === 0
          ? place.invalid("", "exactly one value must be specified")
          : place.invalid(attribute, "exactly one value must be specified"),
      ];
    }),
  ];
}
