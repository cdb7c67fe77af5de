import { defineKind } from "../../kind.ts";
import type { Job } from "../../schema/types.ts";

export const job = defineKind<Job>({
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
