import { isDeepStrictEqual } from "node:util";
import { clusterRole } from "../../api/kinds/rbac/cluster-role.ts";
import { keyOf } from "../../api/object.ts";
import type { ClusterRole } from "../../api/schema/types.ts";
import { carryOut } from "../../client/carry-out.ts";
import { defineController, settled } from "../../client/controller.ts";
import { aggregatedRules } from "./decide.ts";

/** Keeps roles that are the sum of others up to date: so the roles admin, edit and view learn of custom resources. */
export const clusterRoleAggregationController = defineController<ClusterRole>({
  name: "clusterrole-aggregation",
  reconciles: clusterRole,
  watches: [
    {
      kind: clusterRole,
      keys: (_, cache) =>
        cache
          .list(clusterRole)
          .filter(({ aggregationRule }) => aggregationRule)
          .map(keyOf),
    },
  ],

  async reconcile(key, { cache, client }) {
    const role = cache.get(clusterRole, key);
    if (!role?.aggregationRule) return settled;
    const rules = aggregatedRules(role, cache.list(clusterRole));
    if (!isDeepStrictEqual(rules, role.rules ?? []))
      await carryOut(cache, [() => client.update(clusterRole, { ...role, rules })]);
    return settled;
  },
});
