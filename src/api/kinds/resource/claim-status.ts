import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimConsumerReference,
  ResourceV1ResourceClaim,
} from "../../schema/types.ts";
import { validateInterfaceAddress } from "../../validate/addresses.ts";
import { validateNodeSelector } from "../../validate/affinity.ts";
import { validateConditions } from "../../validate/conditions.ts";
import { validateOneOf } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";
import { requestNames, validateRequestName, validateRequestNames } from "./claim-spec.ts";
import {
  validateBinding,
  validateLabelText,
  validateList,
  validateOpaque,
  validatePoolName,
  validateRaw,
  validateToleration,
} from "./device-parts.ts";

const mostUsers = 256;
const mostResults = 32;
const mostConditions = 8;
const longestInterfaceName = 256;
const longestHardwareAddress = 128;
const mostAddresses = 16;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

type Names = ReadonlySet<string>;

/** Who uses a claim, and what it was given: that stays until it is given back. */
export function validateClaimStatus(
  { metadata, spec, status = {} }: ResourceV1ResourceClaim,
  { status: before = {} }: ResourceV1ResourceClaim,
  at: Path,
): FieldError[] {
  const users = status.reservedFor ?? [];
  const place = at.child("reservedFor");
  const known = new Set((before.reservedFor ?? []).map(({ uid }) => uid));
  const allocated = new Set((status.allocation?.devices?.results ?? []).map(deviceKey));
  const errors = [
    ...validateList(users, place, { max: mostUsers, each: validateUser, key: ({ uid }) => uid ?? "" }),
    ...validateList(status.devices, at.child("devices"), {
      each: (device, where) => validateDeviceStatus(device, where, allocated),
      key: deviceKey,
    }),
  ];
  if (users.length > 0 && !status.allocation)
    errors.push(place.forbidden("may not be specified when `allocated` is not set"));
  else if (metadata.deletionTimestamp && users.some(({ uid }) => !known.has(uid)))
    errors.push(
      place.forbidden("new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"),
    );
  if (!status.allocation) return errors;
  if (!before.allocation)
    errors.push(...validateAllocation(status.allocation, at.child("allocation"), requestNames(spec)));
  else if (!isDeepStrictEqual(status.allocation, before.allocation))
    errors.push(at.child("allocation").invalid(status.allocation, "field is immutable"));
  return errors;
}

function validateUser(user: ResourceClaimConsumerReference, at: Path): FieldError[] {
  return (["resource", "name", "uid"] as const)
    .filter((field) => !user[field])
    .map((field) => at.child(field).required());
}

interface DeviceName {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

/** What tells devices apart, as errors show it. */
function deviceKey({ driver, pool, device, shareID }: DeviceName): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join("/");
}

function validateDeviceName({ driver, pool, device }: DeviceName, at: Path): FieldError[] {
  return [
    ...validateCsiDriverName(driver ?? "", at.child("driver")),
    ...validatePoolName(pool, at.child("pool")),
    ...validateLabelText(device, at.child("device")),
  ];
}

function validateShare(id: string | undefined, at: Path): FieldError[] {
  if (id === undefined || uuid.test(id)) return [];
  if (uuid.test(id.toLowerCase()))
    return [
      at.invalid(
        id,
        "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
      ),
    ];
  return [at.invalid(id, `error validating uid: invalid UUID ${id.length === 36 ? "format" : `length: ${id.length}`}`)];
}

function validateDeviceStatus(status: AllocatedDeviceStatus, at: Path, allocated: Names): FieldError[] {
  const { conditions = [], data, networkData, shareID } = status;
  const key = deviceKey(status);
  return [
    ...validateDeviceName(status, at),
    ...validateShare(shareID, at.child("shareID")),
    ...(allocated.has(key) ? [] : [at.invalid(key, "must be an allocated device in the claim")]),
    ...(conditions.length > mostConditions ? [at.child("conditions").tooMany(conditions.length, mostConditions)] : []),
    ...validateConditions(conditions, at.child("conditions")),
    ...(data === undefined ? [] : validateRaw(data, at.child("data"))),
    ...(networkData ? validateNetworkData(networkData, at.child("networkData")) : []),
  ];
}

function validateNetworkData(
  { interfaceName = "", hardwareAddress = "", ips }: NetworkDeviceData,
  at: Path,
): FieldError[] {
  return [
    ...(Buffer.byteLength(interfaceName) > longestInterfaceName
      ? [at.child("interfaceName").tooLong(longestInterfaceName)]
      : []),
    ...(Buffer.byteLength(hardwareAddress) > longestHardwareAddress
      ? [at.child("hardwareAddress").tooLong(longestHardwareAddress)]
      : []),
    ...validateList(ips, at.child("ips"), { max: mostAddresses, each: validateInterfaceAddress, key: (ip) => ip }),
  ];
}

function validateAllocation({ devices, nodeSelector }: AllocationResult, at: Path, names: Names): FieldError[] {
  return [
    ...validateList(devices?.results, at.child("devices", "results"), {
      max: mostResults,
      each: (result, where) => validateResult(result, where, names),
    }),
    ...validateList(devices?.config, at.child("devices", "config"), {
      max: 2 * mostResults,
      each: (config, where) => validateAllocatedConfig(config, where, names),
    }),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, at.child("nodeSelector")) : []),
  ];
}

function validateResult(result: DeviceRequestAllocationResult, at: Path, names: Names): FieldError[] {
  return [
    ...validateRequestName(result.request ?? "", at.child("request"), names),
    ...validateDeviceName(result, at),
    ...validateBinding(result, at),
    ...validateList(result.tolerations, at.child("tolerations"), { each: validateToleration }),
    ...validateShare(result.shareID, at.child("shareID")),
  ];
}

function validateAllocatedConfig(
  { source, requests, opaque }: DeviceAllocationConfiguration,
  at: Path,
  names: Names,
): FieldError[] {
  return [
    ...(source
      ? validateOneOf(source, ["FromClaim", "FromClass"], at.child("source"))
      : [at.child("source").required()]),
    ...validateRequestNames(requests, at.child("requests"), names),
    ...validateOpaque(opaque, at.child("opaque")),
  ];
}
