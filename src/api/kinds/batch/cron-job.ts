import { defineKind } from "../../kind.ts";
import type { CronJob } from "../../schema/types.ts";

export const cronJob = defineKind<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
