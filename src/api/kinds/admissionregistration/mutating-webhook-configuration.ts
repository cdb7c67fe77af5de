import { defineKind } from "../../kind.ts";
import type { MutatingWebhookConfiguration } from "../../schema/types.ts";
import { setWebhookDefaults, validateWebhooks, webhookColumns } from "./webhook.ts";

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: webhookColumns,

  defaults({ webhooks = [] }) {
    for (const webhook of webhooks) {
      setWebhookDefaults(webhook);
      webhook.reinvocationPolicy ??= "Never";
    }
  },

  validate: ({ webhooks }, root) => validateWebhooks(webhooks, root),
});
