import { isDeepStrictEqual } from "node:util";
import { configMap } from "../../api/kinds/core/config-map.ts";
import { namespace } from "../../api/kinds/core/namespace.ts";
import { isLeaving } from "../../api/object.ts";
import type { Changing } from "../../base/changing.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";

const mapName = "kube-root-ca.crt";
const description = "kubernetes.io/description";
// Clients read this text; it is Kubernetes' own.
const annotations = {
  [description]:
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
};

/** Puts the certificate authority of the API server into every namespace, where pods' token volumes take it from. */
export function rootCaController(caCertificate: Changing<string>): Controller {
  return defineController({
    name: "root-ca",
    component: "root-ca-certificate-publisher-controller",
    account: "root-ca-cert-publisher",
    reconciles: namespace,
    dependsOn: caCertificate,
    watches: [
      {
        kind: configMap,
        // Not all of them: the people's own are the larger part of many clusters.
        query: { fieldSelector: `metadata.name=${mapName}` },
        keys: ({ metadata }) => [{ name: metadata.namespace ?? "" }],
      },
    ],

    async reconcile({ name }, { cache, client }) {
      const home = cache.get(namespace, { name });
      if (!home || isLeaving(home)) return settled;
      const data = { "ca.crt": caCertificate.current };
      const there = cache.get(configMap, { namespace: name, name: mapName });
      if (!there) {
        await cache.seen(
          await client.create(configMap, { metadata: { namespace: name, name: mapName, annotations }, data }),
        );
      } else if (!isDeepStrictEqual(there.data, data) || !there.metadata.annotations?.[description]) {
        const metadata = { ...there.metadata, annotations: { ...there.metadata.annotations, ...annotations } };
        await cache.seen(await client.update(configMap, { ...there, metadata, data }));
      }
      return settled;
    },
  });
}
