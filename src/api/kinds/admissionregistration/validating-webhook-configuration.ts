import { defineKind } from "../../kind.ts";
import type { ValidatingWebhookConfiguration } from "../../schema/types.ts";

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  categories: ["api-extensions"],
  scope: "Cluster",
});
