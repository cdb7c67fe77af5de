import { defineKind } from "../../kind.ts";

export const cronJob = defineKind({
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
