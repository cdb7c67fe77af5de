import { describe, expect, test } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus } from "../../api/schema/types.ts";
import { GrpcError } from "../grpc.ts";
import { isToGrow, statusAfter, waitsForNode } from "./grow.ts";

const claim = (status: PersistentVolumeClaimStatus): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "disk" },
  spec: {},
  status,
});
const volume = (storage: string): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: "disk" },
  spec: { capacity: { storage } },
});
const pending = {
  capacity: { storage: "1Gi" },
  conditions: [
    { type: "FileSystemResizePending", status: "True" },
    { type: "Other", status: "True" },
  ],
  allocatedResources: { storage: "2Gi" },
  allocatedResourceStatuses: { storage: "NodeResizePending" },
};

describe("a volume that has grown", () => {
  test.each([
    ["it is larger than its claim shows", pending, "2Gi", true],
    ["both are the same", { capacity: { storage: "2Gi" } }, "2048Mi", false],
    ["the claim shows no size yet", {}, "2Gi", false],
    [
      "it cannot be made larger",
      { ...pending, allocatedResourceStatuses: { storage: "NodeResizeInfeasible" } },
      "2Gi",
      false,
    ],
  ])("is to be made ready where %s", (_, status, size, is) => expect(isToGrow(claim(status), volume(size))).toBe(is));

  test("waits for the node when somebody has done their part", () => {
    expect(waitsForNode(claim(pending))).toBe(true);
    expect(waitsForNode(claim({ allocatedResourceStatuses: { storage: "NodeResizeInProgress" } }))).toBe(true);
    expect(waitsForNode(claim({ allocatedResourceStatuses: { storage: "ControllerResizeInProgress" } }))).toBe(false);
  });

  test("shows its size and no more signs of growing when it is done", () => {
    expect(statusAfter(claim(pending), { is: "done", capacity: "2Gi" }, 0)).toEqual({
      capacity: { storage: "2Gi" },
      conditions: [{ type: "Other", status: "True" }],
      allocatedResources: { storage: "2Gi" },
    });
  });

  test("says why it did not grow, and whether that is for good", () => {
    const failedWith = (code: number) =>
      statusAfter(claim(pending), { is: "failed", error: new GrpcError(code, "no room") }, 0);
    expect(failedWith(13)).toMatchObject({
      allocatedResourceStatuses: { storage: "NodeResizePending" },
      conditions: expect.arrayContaining([
        expect.objectContaining({
          type: "NodeResizeError",
          message: "failed to expand pvc with rpc error: code = Internal desc = no room",
        }),
      ]),
    });
    expect(failedWith(11).allocatedResourceStatuses).toEqual({ storage: "NodeResizeInfeasible" });
  });
});
