import { expect, test } from "vitest";
import { Path } from "../../field.ts";
import { validateClaimStatus } from "./persistent-volume-claim-rules.ts";

test.each<[what: string, status: object, wrong: string[]]>([
  [
    "one that grows",
    { allocatedResources: { storage: "2Gi" }, allocatedResourceStatuses: { storage: "NodeResizePending" } },
    [],
  ],
  [
    "less than nothing",
    { capacity: { storage: "-1" } },
    ["status.capacity[storage]: Invalid value: -1: must be a valid resource quantity"],
  ],
  [
    "something that is no storage",
    { allocatedResources: { cpu: "1" } },
    ['status.allocatedResources: Unsupported value: "cpu": supported values: "storage"'],
  ],
  [
    "a growth that is none",
    { allocatedResourceStatuses: { storage: "Soon" } },
    [
      'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    ],
  ],
])("a claim's status with %s", (_, status, wrong) => {
  const errors = validateClaimStatus(
    { metadata: { name: "a" }, spec: {}, status } as never,
    new Path().child("status"),
  );
  expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual(wrong);
});
