import { defineKind } from "../../kind.ts";
import type { Endpoints } from "../../schema/types.ts";

export const endpoints = defineKind<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  shortNames: ["ep"],
  scope: "Namespaced",
});
