import { isDeepStrictEqual } from "node:util";
import { pod } from "../../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../../api/kinds/policy/pod-disruption-budget.ts";
import { keyOf, keyText } from "../../api/object.ts";
import type { PodDisruptionBudget } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import { carryOut } from "../../client/carry-out.ts";
import { againIn, defineController, settled } from "../../client/controller.ts";
import { decide } from "./decide.ts";
import { tellOfOverlaps } from "./overlaps.ts";
import { scaledKinds, scalesOf } from "./scales.ts";

const component = "controllermanager";

/** Keeps budgets' counts, by which evictions are allowed or refused. */
export const disruptionController = defineController<PodDisruptionBudget>({
  name: "disruption",
  component,
  account: "disruption-controller",
  reconciles: podDisruptionBudget,
  watches: [
    {
      kind: pod,
      keys: ({ metadata }, cache) =>
        cache
          .list(podDisruptionBudget, metadata.namespace)
          .filter(({ spec }) => selects(spec?.selector, metadata.labels))
          .map(keyOf),
    },
  ],
  reads: scaledKinds,
  follows: (environment) => tellOfOverlaps(component, environment),

  async reconcile(key, { cache, client, events, now }) {
    const budget = cache.get(podDisruptionBudget, key);
    if (!budget) return settled;
    const pods = cache
      .list(pod, key.namespace)
      .filter(({ metadata }) => selects(budget.spec?.selector, metadata.labels));
    const scales = await scalesOf(pods, cache, client);
    const { status, news, overdue, againMs } = decide({ budget, pods, scales, now });
    for (const one of news) events.record(budget, one);
    const message = `Pod was expected by PDB ${keyText(key)} to be deleted but it wasn't`;
    for (const one of overdue) events.record(one, { type: "Warning", reason: "NotDeleted", message });
    if (!isDeepStrictEqual(status, budget.status))
      await carryOut(cache, [() => client.updateStatus(podDisruptionBudget, { ...budget, status })]);
    return againIn(againMs);
  },
});
