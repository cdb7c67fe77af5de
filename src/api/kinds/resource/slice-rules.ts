import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { signOf } from "../../quantity.ts";
import type {
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  NodeAllocatableResourceMapping,
  ResourceSliceSpec,
} from "../../schema/types.ts";
import { validateNodeSelector } from "../../validate/affinity.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";
import { validateCapacities } from "./capacity-rules.ts";
import {
  validateAttributeName,
  validateBinding,
  validateEntries,
  validateLabelText,
  validateList,
  validatePoolName,
  validateTaint,
} from "./device-parts.ts";

/** What a ResourceSlice says of the devices of a pool, and where they are. */

const mostDevices = 128;
const mostSpecialDevices = 64;
const mostAttributes = 32;
const mostValues = 48;
const longestValue = 64;
const mostTaints = 16;
const mostCounterSets = 8;
const mostCounters = 32;
const mostConsumptions = 2;
const places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"] as const;
const lists = ["bools", "ints", "strings", "versions"] as const;
const attributeValues = ["bool", "int", "string", "version", ...lists] as const;
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

export function validateSlice(spec: ResourceSliceSpec, at: Path, old?: ResourceSliceSpec): FieldError[] {
  const { devices, sharedCounters, perDeviceNodeSelection } = spec;
  const isSpecial = (devices ?? []).some(
    ({ taints, consumesCounters, attributes }) =>
      taints?.length || consumesCounters?.length || Object.values(attributes ?? {}).some(hasList),
  );
  return [
    ...validateCsiDriverName(spec.driver ?? "", at.child("driver")),
    ...validatePool(spec.pool ?? {}, at.child("pool")),
    ...validatePlace(spec, at),
    ...(sharedCounters && devices ? [at.invalid("", "only one of `sharedCounters` or `devices` is allowed")] : []),
    ...validateList(devices, at.child("devices"), {
      max: isSpecial ? mostSpecialDevices : mostDevices,
      each: (device, where) =>
        validateDevice(device, where, {
          old: old?.devices?.find(({ name }) => name === device.name),
          saysWhere: perDeviceNodeSelection === true,
        }),
      key: ({ name }) => name,
    }),
    ...validateList(sharedCounters, at.child("sharedCounters"), {
      max: mostCounterSets,
      each: validateCounterSet,
      key: ({ name }) => name,
    }),
  ];
}

function hasList(attribute: DeviceAttribute): boolean {
  return lists.some((list) => attribute[list] !== undefined);
}

function validatePool(
  { name, resourceSliceCount = 0, generation = 0 }: Partial<ResourceSliceSpec["pool"]>,
  at: Path,
): FieldError[] {
  return [
    ...validatePoolName(name, at.child("name")),
    ...(resourceSliceCount <= 0
      ? [at.child("resourceSliceCount").invalid(resourceSliceCount, "must be greater than zero")]
      : []),
    ...(generation < 0 ? [at.child("generation").invalid(generation, "must be greater than or equal to zero")] : []),
  ];
}

/** Devices are somewhere: on one node, on some, on all, or each says where. */
function validatePlace(spec: ResourceSliceSpec, at: Path): FieldError[] {
  const { nodeName, nodeSelector } = spec;
  const one = `exactly one of ${places.map((place) => `\`${place}\``).join(", ")} is required`;
  const set = places.filter((place) => spec[place] !== undefined && spec[place] !== "" && spec[place] !== false);
  const terms = nodeSelector?.nodeSelectorTerms ?? [];
  const name = at.child("nodeName");
  const errors = nodeName ? validateText(dnsSubdomain, nodeName, name) : [];
  if (nodeName === "") errors.push(name.invalid(nodeName, "must be either unset or set to a non-empty string"));
  if (nodeSelector) errors.push(...validateNodeSelector(nodeSelector, at.child("nodeSelector")));
  if (nodeSelector && terms.length !== 1)
    errors.push(
      at.child("nodeSelector", "nodeSelectorTerms").invalid(terms, "must have exactly one node selector term"),
    );
  for (const field of ["allNodes", "perDeviceNodeSelection"] as const)
    if (spec[field] === false) errors.push(at.child(field).invalid(false, "must be either unset or set to true"));
  if (set.length === 0) errors.push(at.required(one));
  if (set.length > 1) errors.push(at.invalid(shownSet(set), `${one}, but multiple fields are set`));
  return errors;
}

function shownSet(fields: readonly string[]): string {
  return `{${fields.map((field) => `\`${field}\``).join(", ")}}`;
}

interface Surroundings {
  readonly old: Device | undefined;
  /** Whether each device says where it is. */
  readonly saysWhere: boolean;
}

function validateDevice(device: Device, at: Path, { old, saysWhere }: Surroundings): FieldError[] {
  const { attributes = {}, capacity = {}, consumesCounters, taints } = device;
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  const values = Object.values(attributes).reduce((sum, attribute) => sum + valueCount(attribute), 0);
  return [
    ...validateLabelText(device.name, at.child("name")),
    ...(count > mostAttributes
      ? [at.invalid(count, `the total number of attributes and capacities must not exceed ${mostAttributes}`)]
      : []),
    ...(values > mostValues
      ? [at.invalid(values, `the total number of attribute values must not exceed ${mostValues}`)]
      : []),
    ...validateEntries(attributes, at.child("attributes"), { name: validateAttributeName, each: validateAttribute }),
    ...validateCapacities(device, at.child("capacity"), old),
    ...(old && isDeepStrictEqual(old.taints, taints)
      ? []
      : validateList(taints, at.child("taints"), { max: mostTaints, each: validateTaint })),
    ...validateList(consumesCounters, at.child("consumesCounters"), {
      max: mostConsumptions,
      each: validateConsumption,
      key: ({ counterSet }) => counterSet,
    }),
    ...validateDevicePlace(device, at, saysWhere),
    ...validateBinding(device, at),
    ...validateEntries(device.nodeAllocatableResourceMappings, at.child("nodeAllocatableResourceMappings"), {
      name: () => [],
      each: (mapping, where) => validateMapping(mapping, where, Object.keys(capacity)),
    }),
  ];
}

function valueCount(attribute: DeviceAttribute): number {
  return lists.reduce((sum, list) => sum + (attribute[list]?.length ?? 0), 0) || 1;
}

function validateAttribute(attribute: DeviceAttribute, at: Path): FieldError[] {
  const { string, strings = [], version, versions = [] } = attribute;
  const set = attributeValues.filter((field) => attribute[field] !== undefined);
  const one = "exactly one value must be specified";
  return [
    ...(string === undefined ? [] : validateShort(string, at.child("string"))),
    ...(version === undefined ? [] : validateVersion(version, at.child("version"))),
    ...lists.flatMap((list) =>
      attribute[list]?.length === 0 ? [at.child(list).invalid([], "must not be empty if specified")] : [],
    ),
    ...strings.flatMap((value, i) => validateShort(value, at.child("strings").index(i))),
    ...versions.flatMap((value, i) => validateVersion(value, at.child("versions").index(i))),
    ...(set.length === 1 ? [] : [at.invalid(set.length === 0 ? "" : attribute, one)]),
  ];
}

function validateShort(value: string, at: Path): FieldError[] {
  return Buffer.byteLength(value) > longestValue ? [at.tooLong(longestValue)] : [];
}

function validateVersion(value: string, at: Path): FieldError[] {
  const wrong = semver.test(value) ? [] : [at.invalid(value, "must be a string compatible with semver.org spec 2.0.0")];
  return [...wrong, ...validateShort(value, at)];
}

function validateCounters(counters: CounterSet["counters"] | undefined, at: Path): FieldError[] {
  if (Object.keys(counters ?? {}).length === 0) return [at.required()];
  return validateEntries(counters, at, { max: mostCounters, name: validateLabelText });
}

function validateCounterSet({ name, counters }: CounterSet, at: Path): FieldError[] {
  return [...validateLabelText(name, at.child("name")), ...validateCounters(counters, at.child("counters"))];
}

function validateConsumption({ counterSet, counters }: DeviceCounterConsumption, at: Path): FieldError[] {
  return [
    ...validateLabelText(counterSet, at.child("counterSet")),
    ...validateCounters(counters, at.child("counters")),
  ];
}

function validateDevicePlace(device: Device, at: Path, saysWhere: boolean): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  const name = at.child("nodeName");
  if (!saysWhere)
    return nodeName === undefined && nodeSelector === undefined && allNodes === undefined
      ? []
      : [
          at.invalid(
            null,
            "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
          ),
        ];
  const one =
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  const set = [nodeName && "nodeName", nodeSelector && "nodeSelector", allNodes && "allNodes"].filter(
    (field): field is string => typeof field === "string" && field !== "",
  );
  return [
    ...(nodeName ? validateText(dnsSubdomain, nodeName, name) : []),
    ...(nodeName === "" ? [name.invalid("", "must not be empty")] : []),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, at.child("nodeSelector")) : []),
    ...(allNodes === false ? [at.child("allNodes").invalid(false, "must be either unset or set to true")] : []),
    ...(set.length === 0 ? [at.required(one)] : []),
    ...(set.length > 1 ? [at.invalid(shownSet(set), one)] : []),
  ];
}

function validateMapping(
  { allocationMultiplier, capacityKey }: NodeAllocatableResourceMapping,
  at: Path,
  capacities: readonly string[],
): FieldError[] {
  if (allocationMultiplier === undefined && capacityKey === undefined)
    return [at.invalid("", "at least one of allocationMultiplier or capacityKey must be set")];
  const key = at.child("capacityKey");
  return [
    ...(allocationMultiplier !== undefined && signOf(allocationMultiplier) <= 0
      ? [at.child("allocationMultiplier").invalid(allocationMultiplier, "must be positive")]
      : []),
    ...(capacityKey === "" ? [key.invalid("", "capacityKey must not be an empty string")] : []),
    ...(capacityKey && !capacities.includes(capacityKey) ? [key.notFound(capacityKey)] : []),
  ];
}
