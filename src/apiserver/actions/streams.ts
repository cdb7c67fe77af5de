import { pod } from "../../api/kinds/core/pod.ts";
import { notFound } from "../../api/status.ts";
import { admitConnect } from "../admit/actions.ts";
import { type Authorizer, attributesOf, refuseWithoutCreate } from "../authorize/attributes.ts";
import { splitTarget } from "../http/query.ts";
import { infoOf } from "../http/request-info.ts";
import type { Registry } from "../registry/deps.ts";
import { committedObject } from "../registry/objects.ts";
import { upgradeRequired } from "../upgrade/handshake.ts";
import type { Action } from "./action.ts";
import { nodeOf, podTarget } from "./pod-target.ts";

/**
 * exec, attach and port-forward for a client that asks for no upgrade of its connection: it is told what it would be told
 * otherwise, and in the end that they need one. The real ones are in http/upgrades.ts.
 */
export function podStreams(
  { registry, authorizer }: { readonly registry: Registry; readonly authorizer: Authorizer },
  names: "container" | "none",
): Action {
  const { store } = registry;
  return {
    async stream(call, { incoming }, _rest, query) {
      const { resource, namespace, name = "", user } = call;
      const { path } = splitTarget(incoming.url ?? "/");
      refuseWithoutCreate(authorizer, attributesOf(user, infoOf(incoming.method, path, query)));
      const found = committedObject(store, pod, { namespace, name });
      if (!found) throw notFound(resource.name, name);
      if (names === "container") podTarget(found, query.get("container") ?? undefined);
      else nodeOf(found);
      await admitConnect(registry, call, query);
      throw upgradeRequired();
    },
  };
}
