import { secret } from "../../api/kinds/core/secret.ts";
import { serviceAccount } from "../../api/kinds/core/service-account.ts";
import type { Secret } from "../../api/schema/types.ts";
import type { Changing } from "../../base/changing.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { accountOf, base64, decide, tokenType } from "./decide.ts";

/** Makes a token that is good for as long as its Secret holds it. */
export type MakeAccountToken = (request: {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly secretName: string;
}) => Promise<string>;

/** Secrets by the account whose token they hold. */
const byAccount = (held: Secret): readonly string[] => [`${held.metadata.namespace}/${accountOf(held) ?? ""}`];

/** Fills Secrets that ask for the token of a service account, and deletes them with their account. */
export function serviceAccountTokenController(options: {
  readonly rootCa: Changing<string>;
  readonly makeToken: MakeAccountToken;
}): Controller {
  // Not all of them: the people's own are the larger part of many clusters.
  const query = { fieldSelector: `type=${tokenType}` };
  return defineController({
    name: "serviceaccount-token",
    // Kubernetes lets this one act as the program itself: it makes the tokens that the others would act with.
    account: "system:kube-controller-manager",
    reconciles: serviceAccount,
    dependsOn: options.rootCa,
    watches: [
      {
        kind: secret,
        query,
        keys: (held) => {
          const name = accountOf(held as Secret);
          return name ? [{ namespace: held.metadata.namespace, name }] : [];
        },
      },
    ],

    async reconcile(key, { cache, client }) {
      const account = cache.get(serviceAccount, key);
      const held = cache.by(secret, byAccount, `${key.namespace}/${key.name}`);
      await carryOut(
        cache,
        held.flatMap((one) => {
          const decision = decide(one, account, options.rootCa.current);
          if (decision.do === "nothing") return [];
          if (decision.do === "delete") return [deletion(client, secret, one)];
          return [
            async () => {
              const { uid = "" } = account?.metadata ?? {};
              const request = { namespace: key.namespace ?? "", account: { name: key.name, uid } };
              const token = decision.needsToken
                ? base64(await options.makeToken({ ...request, secretName: one.metadata.name }))
                : undefined;
              const data = { ...decision.secret.data, ...(token && { token }) };
              return client.update(secret, { ...decision.secret, data });
            },
          ];
        }),
      );
      return settled;
    },
  });
}
