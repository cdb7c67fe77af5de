import { isLeaving } from "../../api/object.ts";
import type { Secret, ServiceAccount } from "../../api/schema/types.ts";

export const tokenType = "kubernetes.io/service-account-token";
const accountName = "kubernetes.io/service-account.name";
const accountUid = "kubernetes.io/service-account.uid";

/** What should become of a Secret; `needsToken`: a token is to be made and put beside the rest. */
export type Decision =
  | { readonly do: "nothing" }
  | { readonly do: "delete" }
  | { readonly do: "fill"; readonly needsToken: boolean; readonly secret: Secret };

/**
 * A Secret of this type holds a token of the account that it names, and goes with it (Kubernetes docs, "Managing Service
 * Accounts", section "Manually create a long-lived API token for a ServiceAccount").
 */
export function decide(secret: Secret, account: ServiceAccount | undefined, rootCa: string): Decision {
  const { annotations = {}, namespace = "" } = secret.metadata;
  if (isLeaving(secret) || !accountOf(secret)) return { do: "nothing" };
  const wantedUid = annotations[accountUid];
  if (!account || (wantedUid && wantedUid !== account.metadata.uid)) return { do: "delete" };
  const { data = {} } = secret;
  const needsToken = !data.token;
  const ca = base64(rootCa);
  if (!needsToken && data["ca.crt"] === ca && data.namespace) return { do: "nothing" };
  const uid = account.metadata.uid ?? "";
  return {
    do: "fill",
    needsToken,
    secret: {
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...annotations, [accountUid]: uid } },
      data: { ...data, "ca.crt": ca, namespace: data.namespace || base64(namespace) },
    },
  };
}

/** The name of the account whose token the Secret is to hold. */
export function accountOf({ type, metadata }: Secret): string | undefined {
  return type === tokenType ? metadata.annotations?.[accountName] : undefined;
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
