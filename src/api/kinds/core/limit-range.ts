import { defineKind } from "../../kind.ts";
import type { LimitRange } from "../../schema/types.ts";

export const limitRange = defineKind<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  shortNames: ["limits"],
  scope: "Namespaced",
});
