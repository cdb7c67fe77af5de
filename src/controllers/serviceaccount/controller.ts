import { namespace } from "../../api/kinds/core/namespace.ts";
import { serviceAccount } from "../../api/kinds/core/service-account.ts";
import { isLeaving } from "../../api/object.ts";
import { defineController, settled } from "../../client/controller.ts";

const defaultName = "default";

/** Gives every namespace its account `default` (Kubernetes docs, "Managing Service Accounts", section "ServiceAccount controller"). */
export const serviceAccountController = defineController({
  name: "serviceaccount",
  component: "serviceaccount-controller",
  account: "service-account-controller",
  reconciles: namespace,
  watches: [
    {
      kind: serviceAccount,
      keys: ({ metadata }) => (metadata.name === defaultName ? [{ name: metadata.namespace ?? "" }] : []),
    },
  ],

  async reconcile({ name }, { cache, client }) {
    const home = cache.get(namespace, { name });
    if (!home || isLeaving(home) || cache.get(serviceAccount, { namespace: name, name: defaultName })) return settled;
    await cache.seen(await client.create(serviceAccount, { metadata: { namespace: name, name: defaultName } }));
    return settled;
  },
});
