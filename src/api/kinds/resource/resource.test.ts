import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import type { Device, DeviceRequest, ResourceV1ResourceClaim } from "../../schema/types.ts";
import { wrongWithNew } from "../testing/judge.ts";
import { validateClaimStatus } from "./claim-status.ts";
import { deviceClass } from "./device-class.ts";
import { resourceClaim } from "./resource-claim.ts";
import { resourceSlice } from "./resource-slice.ts";

const request: DeviceRequest = { name: "r", exactly: { deviceClassName: "c.example.com" } };

function ofClaim(devices: object): string[] {
  return wrongWithNew(resourceClaim, { spec: { devices: { requests: [request], ...devices } } });
}

describe("a claim", () => {
  test.each<[what: string, devices: object, wrong: string[]]>([
    ["asks for a device", {}, []],
    ["configures nobody", { config: [{ requests: ["r"] }] }, ["spec.devices.config[0].opaque: Required value"]],
    [
      "tells a driver what is no object",
      { config: [{ opaque: { driver: "d.example.com", parameters: 5 } }] },
      ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
    ],
    [
      "wants attributes to be the same, by a name without a domain",
      { constraints: [{ matchAttribute: "model" }] },
      [
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      "speaks of a request twice",
      { constraints: [{ requests: ["r", "r"], matchAttribute: "d.example.com/model" }] },
      ['spec.devices.constraints[0].requests[1]: Duplicate value: "r"'],
    ],
    [
      "bears what has a value though none matters",
      {
        requests: [
          { name: "r", exactly: { deviceClassName: "c", tolerations: [{ key: "k", operator: "Exists", value: "v" }] } },
        ],
      },
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
      ],
    ],
  ])("%s", (_, devices, wrong) => {
    expect(ofClaim(devices)).toEqual(wrong);
  });
});

describe("what a claim was given", () => {
  const result = { request: "r", driver: "d.example.com", pool: "p", device: "x" };
  const claim = (status: object): ResourceV1ResourceClaim =>
    ({ metadata: { name: "c" }, spec: { devices: { requests: [request] } }, status }) as ResourceV1ResourceClaim;
  const wrongWith = (status: object): string[] =>
    validateClaimStatus(claim(status), claim({}), new Path("status")).map(
      ({ field, message }) => `${field}: ${message}`,
    );

  test.each<[what: string, status: object, wrong: string[]]>([
    ["a device", { allocation: { devices: { results: [result] } } }, []],
    [
      "for a request that it did not make",
      { allocation: { devices: { results: [{ ...result, request: "z" }] } } },
      [
        "status.allocation.devices.results[0].request: Invalid value: \"z\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
      ],
    ],
    [
      "configured by nobody knows whom",
      {
        allocation: {
          devices: { config: [{ source: "Me", opaque: { driver: "d.example.com", parameters: {} } }] },
        },
      },
      [
        'status.allocation.devices.config[0].source: Unsupported value: "Me": supported values: "FromClaim", "FromClass"',
      ],
    ],
    [
      "the state of a device that it has not",
      { devices: [{ driver: "d.example.com", pool: "p", device: "x", networkData: { ips: ["10.0.0.1/024"] } }] },
      [
        'status.devices[0]: Invalid value: "d.example.com/p/x": must be an allocated device in the claim',
        'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1/024": must be in canonical form ("10.0.0.1/24")',
      ],
    ],
  ])("%s", (_, status, wrong) => {
    expect(wrongWith(status)).toEqual(wrong);
  });
});

describe("a slice of devices", () => {
  const pool = { name: "p", resourceSliceCount: 1, generation: 1 };
  const wrongWith = (device: Partial<Device>, where: object = { allNodes: true }): string[] =>
    wrongWithNew(resourceSlice, {
      spec: { driver: "d.example.com", pool, devices: [{ name: "x", ...device }], ...where },
    });
  const at = "spec.devices[0]";
  const shared = (requestPolicy: object): Partial<Device> => ({
    allowMultipleAllocations: true,
    capacity: { memory: { value: "10", requestPolicy } },
  });

  test.each<[what: string, device: Partial<Device>, wrong: string[]]>([
    ["with an attribute", { attributes: { "d.example.com/model": { string: "a" } } }, []],
    [
      "with a version that is none",
      { attributes: { model: { version: "1" } } },
      [`${at}.attributes[model].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0`],
    ],
    [
      "with the attribute of no domain",
      { attributes: { "/model": { int: 1 } } },
      [`${at}.attributes: Invalid value: "": the domain must not be empty`],
    ],
    [
      "that is shared in portions by itself",
      { capacity: { memory: { value: "1", requestPolicy: { default: "1" } } } },
      [`${at}.capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true`],
    ],
    [
      "shared in portions out of order",
      shared({ default: "3", validValues: ["2", "1", "20"] }),
      [
        `${at}.capacity[memory].requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${at}.capacity[memory].requestPolicy.validValues[2]: Invalid value: "20": option is larger than capacity value: 10`,
        `${at}.capacity[memory].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
      ],
    ],
    [
      "shared in steps that nobody can take",
      shared({ default: "4", validRange: { min: "1", max: "7", step: "2" } }),
      [
        `${at}.capacity[memory].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)`,
      ],
    ],
    ["with a taint without effect", { taints: [{ key: "k" } as never] }, [`${at}.taints[0].effect: Required value`]],
    [
      "that takes nothing from a counter",
      { consumesCounters: [{ counterSet: "s", counters: {} }] },
      [`${at}.consumesCounters[0].counters: Required value`],
    ],
    [
      "that says where it is, unasked",
      { nodeName: "n" },
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      "bound on conditions that never fail",
      { bindingConditions: ["a"] },
      [
        `${at}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
      ],
    ],
  ])("%s", (_, device, wrong) => {
    expect(wrongWith(device)).toEqual(wrong);
  });

  test("each of which says where it is", () => {
    const where = { perDeviceNodeSelection: true };
    expect(wrongWith({ nodeName: "n" }, where)).toEqual([]);
    expect(wrongWith({}, where)).toEqual([expect.stringContaining("exactly one of `nodeName`, `nodeSelector`, or")]);
  });
});

test("a class configures devices in a driver's words", () => {
  expect(wrongWithNew(deviceClass, { spec: { config: [{}] } })).toEqual(["spec.config[0].opaque: Required value"]);
});
