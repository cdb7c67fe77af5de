import { expect, test } from "vitest";
import { Path } from "../../field.ts";
import { validateClaimStatus } from "./claim-status.ts";

const user = { resource: "pods", name: "a", uid: "u-1" };
const allocation = { devices: { results: [{ request: "r", driver: "d", pool: "p", device: "x" }] } };

test.each<[what: string, from: object, to: object, wrong: string[]]>([
  ["its first user", {}, { allocation, reservedFor: [user] }, []],
  [
    "a user of nothing",
    {},
    { reservedFor: [user] },
    ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
  ],
  [
    "a user twice, and one without a name",
    { allocation },
    { allocation, reservedFor: [user, { ...user, name: "" }] },
    ["status.reservedFor[1].name: Required value", 'status.reservedFor[1]: Duplicate value: "u-1"'],
  ],
  [
    "something else than it was given",
    { allocation },
    { allocation: {} },
    ["status.allocation: Invalid value: {}: field is immutable"],
  ],
  ["nothing any more", { allocation }, {}, []],
])("a claim gets %s", (_, from, to, wrong) => {
  const claim = (status: object) =>
    ({ metadata: { name: "c" }, spec: { devices: { requests: [{ name: "r" }] } }, status }) as never;
  const errors = validateClaimStatus(claim(to), claim(from), new Path().child("status"));
  expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual(wrong);
});
