import type { KubeObject } from "../../api/object.ts";
import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { onceSynced } from "../once-synced.ts";
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

export interface OpenDns extends AsyncDisposable {
  /** On which it answers; 53 unless somebody else has that on every address. */
  readonly port: number;
}

/** Opens the cluster's DNS on this node. It answers at once; about the cluster, as soon as the informers are filled. */
export async function openDns(options: DnsOptions): Promise<OpenDns> {
  const { services, slices, namespaces, addresses, domain, resolvConf, clock } = options;
  const log = options.log.part("dns");
  const resolvers = new NodeResolvers({ path: resolvConf, without: addresses, clock });
  let synced = false;
  const begin = () => {
    synced = true;
  };
  const waiting = onceSynced([services, slices, namespaces], { begin, log });
  const server = await DnsServer.open({
    addresses,
    port: 53,
    domain,
    records: recordsFrom({ services, slices, namespaces }),
    ready: () => synced,
    forwarder: new Forwarder({ servers: () => resolvers.servers, clock }),
    clock,
    log,
  });
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      waiting[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
