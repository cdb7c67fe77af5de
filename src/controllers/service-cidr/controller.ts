import { ipAddress } from "../../api/kinds/networking/ip-address.ts";
import { serviceCIDR } from "../../api/kinds/networking/service-cidr.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import { timeText } from "../../api/time.ts";
import { againIn, defineController, settled } from "../../client/controller.ts";
import { decide } from "./decide.ts";

/** Says which ranges give addresses to Services, and holds one back from its deletion while its addresses are in use. */
export const serviceCidrController = defineController({
  name: "service-cidr",
  account: "service-cidrs-controller",
  reconciles: serviceCIDR,
  watches: [
    {
      kind: serviceCIDR,
      // A range that comes or goes may be what another one waits for.
      keys: (_, cache) => cache.list(serviceCIDR).map(keyOf),
      matters: ({ before, after }) => !before || !after,
    },
    { kind: ipAddress, keys: (_, cache) => cache.list(serviceCIDR).filter(isLeaving).map(keyOf) },
  ],

  async reconcile(key, { cache, client, now }) {
    const cidr = cache.get(serviceCIDR, key);
    if (!cidr) return settled;
    const cidrs = cache.list(serviceCIDR);
    const { finalizers, ready, againMs } = decide({ cidr, cidrs, addresses: cache.list(ipAddress), nowMs: now });
    const { resourceVersion } = cidr.metadata;
    let written = finalizers
      ? await client.patch(serviceCIDR, key, { type: "merge", document: { metadata: { finalizers, resourceVersion } } })
      : cidr;
    if (ready) {
      const others = (written.status?.conditions ?? []).filter(({ type }) => type !== "Ready");
      const conditions = [...others, { type: "Ready", lastTransitionTime: timeText(now), ...ready }];
      written = await client.updateStatus(serviceCIDR, { ...written, status: { ...written.status, conditions } });
    }
    if (written !== cidr) await cache.seen(written);
    return againIn(againMs);
  },
});
