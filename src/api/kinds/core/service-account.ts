import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ServiceAccount } from "../../schema/types.ts";

const mountable = "kubernetes.io/enforce-mountable-secrets";

export const serviceAccount = defineKind<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  scope: "Namespaced",
  subresources: {
    token: {
      sort: "action",
      action: "token",
      verbs: ["create"],
      kind: "TokenRequest",
      group: "authentication.k8s.io",
      version: "v1",
    },
  },
  columns: [nameColumn, ageColumn],
  deletion: { answersObject: true },

  warnings: ({ metadata }, old) =>
    metadata.annotations?.[mountable] === undefined || old?.metadata.annotations?.[mountable] !== undefined
      ? []
      : [
          `metadata.annotations[${mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ],

  prepareCreate: keepReferencesPlain,
  prepareUpdate: keepReferencesPlain,
});

/** Of the Secrets only their names count. */
function keepReferencesPlain(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}
