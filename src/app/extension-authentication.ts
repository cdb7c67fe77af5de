import { isDeepStrictEqual } from "node:util";
import { configMap } from "../api/kinds/core/config-map.ts";
import type { Client } from "../client/client.ts";
import { ifThere } from "../client/if-there.ts";
import type { ServerCredentials } from "../cluster/credentials.ts";

const key = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/**
 * Tells servers of other APIs by which certificates they know users, and this server when it passes requests of users on
 * (Kubernetes docs, "Configure the Aggregation Layer").
 */
export async function publishExtensionAuthentication(
  client: Client,
  { clientCas, requestHeaderCas }: Pick<ServerCredentials, "clientCas" | "requestHeaderCas">,
): Promise<void> {
  const data = {
    "client-ca-file": clientCas,
    "requestheader-allowed-names": '["system:auth-proxy"]',
    "requestheader-client-ca-file": requestHeaderCas,
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
  const there = await ifThere(client.get(configMap, key));
  if (!there) await client.create(configMap, { metadata: key, data });
  else if (!isDeepStrictEqual({ ...there.data }, data)) await client.update(configMap, { ...there, data });
}
