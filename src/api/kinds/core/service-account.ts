import { defineKind } from "../../kind.ts";
import type { ServiceAccount } from "../../schema/types.ts";

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
});
