import { configMap } from "../../api/kinds/core/config-map.ts";
import { namespace } from "../../api/kinds/core/namespace.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { secret } from "../../api/kinds/core/secret.ts";
import { serviceAccount } from "../../api/kinds/core/service-account.ts";
import { namedByPod } from "../../api/pod-references.ts";
import type { Namespace, Pod, Secret, ServiceAccount } from "../../api/schema/types.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { accountOf, tokenType } from "../serviceaccount-token/decide.ts";
import { dayOf, dayText, decide, invalidSinceLabel } from "./decide.ts";

const home = "kube-system";
const mapName = "kube-apiserver-legacy-service-account-token-tracking";
const uidAnnotation = "kubernetes.io/service-account.uid";
const lookEveryMs = 24 * 60 * 60 * 1000;
/** Somebody who deletes the map again and again does not get it back at once. */
const makeEveryMs = 30 * 60 * 1000;

/** Writes down since when the uses of tokens in Secrets are noted. */
export function legacyTokenTracking(): Controller {
  let madeMs = Number.NEGATIVE_INFINITY;
  return defineController<Namespace>({
    name: "legacy-token-tracking",
    account: "system:apiserver",
    reconciles: namespace,
    watches: [
      {
        kind: configMap,
        query: { fieldSelector: `metadata.name=${mapName}` },
        keys: ({ metadata }) => (metadata.namespace === home ? [{ name: home }] : []),
      },
    ],

    async reconcile({ name }, { cache, client, now }) {
      if (name !== home) return settled;
      const map = cache.get(configMap, { namespace: home, name: mapName });
      const data = { since: dayText(now) };
      if (map) {
        if (dayOf(map.data?.since) === undefined)
          await cache.seen(await client.update(configMap, { ...map, data: { ...map.data, ...data } }));
        return settled;
      }
      if (now < madeMs + makeEveryMs) return { again: { afterMs: madeMs + makeEveryMs - now } };
      await cache.seen(await client.create(configMap, { metadata: { namespace: home, name: mapName }, data }));
      madeMs = now;
      return settled;
    },
  });
}

const bySecret = ({ metadata, spec }: Pod): readonly string[] =>
  namedByPod(spec).flatMap(({ resource, name }) => (resource === "secrets" ? [`${metadata.namespace}/${name}`] : []));

/** Takes tokens away that nobody has used for long. */
export function legacyTokenCleaner({ unusedMs }: { readonly unusedMs: number }): Controller {
  return defineController<Secret>({
    name: "legacy-serviceaccount-token-cleaner",
    account: "legacy-service-account-token-cleaner",
    reconciles: secret,
    query: { fieldSelector: `type=${tokenType}` },
    reads: [serviceAccount, pod],

    async reconcile(key, { cache, client, now, log }) {
      const found = cache.get(secret, key);
      const account = found && accountIn(found, (name) => cache.get(serviceAccount, { ...key, name }));
      if (!found || !account) return settled;
      const isMounted = cache.by(pod, bySecret, `${key.namespace}/${key.name}`).length > 0;
      const observed = { secret: found, account, isMounted, nowMs: now, unusedMs };
      // Nobody asks the API for the day before it could matter.
      if (decide({ ...observed, trackedSince: "1970-01-01" }) === "nothing") return settled;
      const map = await client.get(configMap, { namespace: home, name: mapName });
      const decision = decide({ ...observed, trackedSince: map.data?.since });
      if (decision === "nothing") return settled;
      const { uid, resourceVersion } = found.metadata;
      if (decision === "delete") {
        log.info("a token that nobody uses is deleted", { secret: `${key.namespace}/${key.name}` });
        await client.delete(secret, key, { preconditions: { uid, resourceVersion } });
        return settled;
      }
      if (decision !== "look again") {
        const document = { metadata: { uid, labels: { [invalidSinceLabel]: decision.invalidSince } } };
        await cache.seen(await client.patch(secret, key, { type: "merge", document }));
      }
      return { again: { afterMs: lookEveryMs } };
    },
  });
}

function accountIn(token: Secret, get: (name: string) => ServiceAccount | undefined): ServiceAccount | undefined {
  const name = accountOf(token);
  const account = name ? get(name) : undefined;
  const uid = token.metadata.annotations?.[uidAnnotation];
  return !uid || uid === account?.metadata.uid ? account : undefined;
}
