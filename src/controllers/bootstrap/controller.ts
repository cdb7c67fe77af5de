import { configMap } from "../../api/kinds/core/config-map.ts";
import { secret } from "../../api/kinds/core/secret.ts";
import { isLeaving } from "../../api/object.ts";
import type { ConfigMap, Secret } from "../../api/schema/types.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { decideSignatures, expiresAtMs, tokenType } from "./decide.ts";

const clusterInfo = { namespace: "kube-public", name: "cluster-info" };
const tokens = { namespace: "kube-system", fieldSelector: `type=${tokenType}` };

/** Signs cluster-info with every bootstrap token that is for signing. */
export const bootstrapSigner: Controller = defineController<ConfigMap>({
  name: "bootstrap-signer",
  reconciles: configMap,
  query: { namespace: clusterInfo.namespace, fieldSelector: `metadata.name=${clusterInfo.name}` },
  account: "bootstrap-signer",
  watches: [{ kind: secret, query: tokens, keys: () => [clusterInfo] }],

  async reconcile(key, { cache, client, now }) {
    const info = cache.get(configMap, key);
    if (!info || isLeaving(info)) return settled;
    const data = decideSignatures(info, cache.list(secret), now);
    if (data) await cache.seen(await client.update(configMap, { ...info, data }));
    return settled;
  },
});

/** Deletes bootstrap tokens when their time is over. */
export const tokenCleaner: Controller = defineController<Secret>({
  name: "token-cleaner",
  account: "token-cleaner",
  reconciles: secret,
  query: tokens,

  async reconcile(key, { cache, client, now }) {
    const token = cache.get(secret, key);
    const endsAtMs = token && expiresAtMs(token);
    if (!token || endsAtMs === undefined) return settled;
    if (endsAtMs > now) return { again: { afterMs: endsAtMs - now } };
    await client.delete(secret, key, { preconditions: { uid: token.metadata.uid } });
    return settled;
  },
});
