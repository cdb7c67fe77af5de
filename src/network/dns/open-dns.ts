import type { KubeObject } from "../../api/object.ts";
import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { Forwarder } from "./forward.ts";
import { recordsFrom } from "./records.ts";
import { NodeResolvers } from "./resolv-conf.ts";
import { DnsServer } from "./server.ts";

export interface DnsOptions {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly namespaces: Informer<KubeObject>;
  /** Addresses of the node on which it answers. */
  readonly addresses: readonly string[];
  readonly domain: string;
  /** The file that names the node's own resolvers. */
  readonly resolvConf: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens the cluster's DNS on this node. It answers at once; about the cluster, as soon as the informers are filled. */
export async function openDns(options: DnsOptions): Promise<DnsServer> {
  const { services, slices, namespaces, addresses, domain, resolvConf, clock } = options;
  const log = options.log.part("dns");
  const resolvers = new NodeResolvers({ path: resolvConf, without: addresses, clock });
  let synced = false;
  Promise.all([services.synced, slices.synced, namespaces.synced]).then(
    () => {
      synced = true;
    },
    (error) => log.error("the records of DNS could not be listed", { error }),
  );
  return await DnsServer.open({
    addresses,
    port: 53,
    domain,
    records: recordsFrom({ services, slices, namespaces }),
    ready: () => synced,
    forwarder: new Forwarder({ servers: () => resolvers.servers, clock }),
    clock,
    log,
  });
}
