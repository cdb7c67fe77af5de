import { defineKind } from "../../kind.ts";
import type { DeviceClass } from "../../schema/types.ts";

export const deviceClass = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  scope: "Cluster",
});
