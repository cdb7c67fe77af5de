import { defineKind } from "../../kind.ts";

export const job = defineKind({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
