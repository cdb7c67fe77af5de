import type { Call } from "../call.ts";
import type { Resource } from "../registry/resources.ts";
import { systemUser } from "../user.ts";

/** The server's own request on a resource. */
export function systemCall(
  resource: Resource,
  key: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Call {
  return {
    user: systemUser,
    resource,
    subresource: undefined,
    namespace: key.namespace,
    name: key.name,
    options: {},
    fieldManager: "kube-apiserver",
    warn() {},
    alsoNeeds() {},
  };
}
