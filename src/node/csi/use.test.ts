import { expect, test } from "vitest";
import { aPod } from "../testing/objects.ts";
import { tokensText, useOf } from "./use.ts";

const traits = { stages: true, measures: false, expands: false, tellsWriters: false, setsGroup: false };
const wanted = (accessModes: string[], spec: object = {}) => ({
  name: "disk",
  volume: {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "disk" },
    spec: { accessModes, csi: { driver: "d", volumeHandle: "h", fsType: "ext4" }, ...spec },
  },
  claim: undefined,
  readOnly: false,
});

test.each([
  [["ReadWriteOnce"], 1, 7],
  [["ReadWriteOncePod"], 1, 6],
  [["ReadWriteMany", "ReadWriteOnce"], 5, 5],
  [["ReadOnlyMany"], 3, 3],
  [["ReadOnlyMany", "ReadWriteOnce"], 4, 4],
])("of %j a driver is told %i, or %i when it tells writers apart", (modes, usual, finer) => {
  expect(useOf(aPod(), wanted(modes), traits).accessMode).toBe(usual);
  expect(useOf(aPod(), wanted(modes), { ...traits, tellsWriters: true }).accessMode).toBe(finer);
});

test("a driver that sets the group itself is told of it; a device has none", () => {
  const pod = aPod({ spec: { securityContext: { fsGroup: 2000 } } });
  expect(useOf(pod, wanted([]), traits).group).toBeUndefined();
  expect(useOf(pod, wanted([]), { ...traits, setsGroup: true }).group).toBe("2000");
  expect(useOf(pod, wanted([], { volumeMode: "Block" }), traits).isBlock).toBe(true);
});

test("tokens come by audience, with their end", () => {
  const token = `e30.${Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString("base64url")}.x`;
  expect(tokensText([{ audience: "vault", token }])).toBe(
    `{"vault":{"token":"${token}","expirationTimestamp":"2023-11-14T22:13:20Z"}}`,
  );
});
