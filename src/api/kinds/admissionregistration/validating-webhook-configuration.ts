import { defineKind } from "../../kind.ts";
import type { ValidatingWebhookConfiguration } from "../../schema/types.ts";
import { setWebhookDefaults, validateWebhooks, webhookColumns } from "./webhook.ts";

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: webhookColumns,
  defaults: ({ webhooks = [] }) => webhooks.forEach(setWebhookDefaults),
  validate: ({ webhooks }, root) => validateWebhooks(webhooks, root),
});
