import { defineKind } from "../../kind.ts";
import type { MutatingWebhookConfiguration } from "../../schema/types.ts";

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  categories: ["api-extensions"],
  scope: "Cluster",
});
