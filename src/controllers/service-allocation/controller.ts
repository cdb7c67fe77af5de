import { service } from "../../api/kinds/core/service.ts";
import { ipAddress } from "../../api/kinds/networking/ip-address.ts";
import { serviceCIDR } from "../../api/kinds/networking/service-cidr.ts";
import { keyOf, keyText, type ObjectKey } from "../../api/object.ts";
import type { IPAddress, Service } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Client } from "../../client/client.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { ifThere } from "../../client/if-there.ts";
import type { PortRange } from "../options.ts";
import { addressesOf, addressFault, isService, judgeRecord, nodePortsOf, portFaults, recordOf } from "./decide.ts";

// In Kubernetes these loops are the API server's own.
const account = "system:apiserver";
const component = "ipallocator-repair-controller";

/** The Service that an IPAddress names. */
function parentKey({ spec }: IPAddress): ObjectKey[] {
  const parent = spec?.parentRef;
  return isService(parent) ? [{ namespace: parent.namespace, name: parent.name }] : [];
}

/** Mends what says whose the addresses of Services are: after a crash, a restored snapshot or somebody's deletion. */
export const serviceAddressRepair: Controller = defineController<Service>({
  name: "service-address-repair",
  component,
  account,
  reconciles: service,
  watches: [
    { kind: ipAddress, keys: (changed) => parentKey(changed as IPAddress) },
    {
      kind: serviceCIDR,
      keys: (_, cache) => cache.list(service).map(keyOf),
      matters: ({ before, after }) => !before || !after,
    },
  ],

  async reconcile(key, { cache, client, events }) {
    const found = cache.get(service, key);
    for (const address of found ? addressesOf(found) : []) {
      const observe = (owner: Service, record: IPAddress | undefined) => {
        const [held] = record ? parentKey(record) : [];
        const holder = held && cache.get(service, held);
        return addressFault({ service: owner, address, cidrs: cache.list(serviceCIDR), record, holder });
      };
      if (!found || !observe(found, cache.get(ipAddress, { name: address }))) continue;
      // What the cache shows may be a moment old: only what the server says is told. The Service is asked for last: it is gone
      // before its address is given back.
      const record = await liveRecord(client, address);
      const live = await ifThere(client.get(service, key));
      if (!live || !addressesOf(live).includes(address)) continue;
      const fault = observe(live, record);
      if (!fault) continue;
      if (fault.news) events.record(live, { type: "Warning", action: "ClusterIPAllocation", ...fault.news });
      if (fault.repair === "recreate" && record) await remove(client, record);
      if (fault.repair !== "nothing") await cache.seen(await client.create(ipAddress, recordOf(address, live)));
    }
    return settled;
  },
});

const servicesNamed: Watched<Service> = {
  kind: service,
  keys: (changed, cache) =>
    addressesOf(changed)
      .filter((address) => cache.get(ipAddress, { name: address }))
      .map((name) => ({ name })),
};

/** Gives addresses back that were written down for a Service which did not come to be, or is gone. */
export const ipAddressRepair: Controller = defineController<IPAddress>({
  name: "ip-address-repair",
  component,
  account,
  reconciles: ipAddress,
  watches: [servicesNamed],

  async reconcile(key, { cache, client, events, now }) {
    const record = cache.get(ipAddress, key);
    if (!record) return settled;
    const [parent] = parentKey(record);
    if (judgeRecord(record, parent && cache.get(service, parent), now) === "fine") return settled;
    const verdict = judgeRecord(record, parent && (await ifThere(client.get(service, parent))), now);
    if (verdict === "fine") return settled;
    if ("againMs" in verdict) return { again: { afterMs: verdict.againMs } };
    events.record(record, { type: "Warning", action: "IPAddressAllocation", ...verdict.news });
    await remove(client, record);
    await cache.left(ipAddress, record);
    return settled;
  },
});

const byNodePort = (one: Service): readonly string[] => nodePortsOf(one).map(String);

/** Tells of node ports that two Services have, or that no Service may have any more. */
export function nodePortRepair(range: PortRange): Controller {
  return defineController<Service>({
    name: "node-port-repair",
    component: "portallocator-repair-controller",
    account,
    reconciles: service,

    async reconcile(key, { cache, events }) {
      const found = cache.get(service, key);
      if (!found) return settled;
      const before = nodePortsOf(found)
        .flatMap((port) => cache.by(service, byNodePort, String(port)))
        .filter((other) => keyText(keyOf(other)) < keyText(key));
      for (const news of portFaults(found, before, range)) events.record(found, { type: "Warning", ...news });
      return settled;
    },
  });
}

function liveRecord(client: Client, address: string): Promise<IPAddress | undefined> {
  return ifThere(client.get(ipAddress, { name: address }));
}

async function remove(client: Client, record: IPAddress): Promise<void> {
  const { uid } = record.metadata;
  try {
    await client.delete(ipAddress, keyOf(record), { preconditions: { uid } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
