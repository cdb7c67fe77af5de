import { defineKind } from "../../kind.ts";
import type { Secret } from "../../schema/types.ts";

export const secret = defineKind<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  scope: "Namespaced",
});
