import { namespace as namespaceKind } from "../api/kinds/core/namespace.ts";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { pod as podKind } from "../api/kinds/core/pod.ts";
import { service as serviceKind } from "../api/kinds/core/service.ts";
import { endpointSlice } from "../api/kinds/discovery/endpoint-slice.ts";
import type { Clock } from "../base/clock.ts";
import { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Informers } from "../client/informer.ts";
import { openDns } from "./dns/open-dns.ts";
import { mendWhatOthersTake } from "./mend.ts";
import { Paths } from "./paths/watch-paths.ts";
import { passForeignFilters } from "./pods/foreign-filters.ts";
import { readMtuOf, readOutsideMtu } from "./pods/kernel.ts";
import { raiseNodeLink } from "./pods/node-link.ts";
import { NodeRange } from "./pods/node-range.ts";
import { Peers } from "./pods/peers.ts";
import { PodLinks, type SandboxToAttach } from "./pods/pod-links.ts";
import { type Backend, vxlan } from "./pods/routes.ts";
import { connectionSysctls, nodeSysctls, setSysctls } from "./pods/sysctls.ts";
import { publicKeyAnnotation, wireguard } from "./pods/wireguard.ts";
import { WireguardLink } from "./pods/wireguard-link.ts";
import { ForeignChanges } from "./services/foreign-changes.ts";
import { KernelTable } from "./services/kernel.ts";
import { changesOutside, insideOf } from "./services/outside-addresses.ts";
import { ServiceProxy } from "./services/proxy.ts";
import { openProxyHealth } from "./services/proxy-health.ts";
import { checkTools } from "./tools.ts";

export interface NetworkOptions {
  readonly informers: Informers;
  readonly nodeName: string;
  /** Where other nodes reach this one; the link that has the first carries what pods of two nodes send each other. */
  readonly nodeIps?: readonly string[];
  /** One or two: IPv4, IPv6. */
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** The addresses on which pods find the cluster's DNS; each lies in a Service range. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolvers (resolv.conf(5)); names outside the cluster are asked for there. */
  readonly resolvConf: string;
  /** A directory of the network's own. */
  readonly stateDirectory: string;
  readonly backend: Backend;
  /** Told in sentences which packets between pods of this node and of others do not arrive, whenever that changes. */
  readonly missed?: (obstacles: readonly string[]) => void;
  /** Called when an address of the machine, or its way outside, may have become another. */
  readonly moved?: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The network of a node. Disposing of it stops the work and leaves rules, routes and links: packets go on flowing. */
export interface Network extends AsyncDisposable {
  /** What the Node object is to say of this node's end. */
  readonly annotations: Readonly<Record<string, string>>;
  attach(pod: SandboxToAttach, signal: AbortSignal): Promise<{ readonly ips: readonly string[] }>;
  detach(podUid: string): Promise<void>;
  keepOnly(podUids: ReadonlySet<string>): Promise<void>;
  /** Where the tunnels of other nodes come from, by the nodes' WireGuard keys. */
  heard(): Promise<ReadonlyMap<string, string>>;
  /** Resolves when the rules are what the informers ask for. For tests and benchmarks. */
  settled(): Promise<void>;
}

/**
 * Opens the network of this node. Does not wait for the API: what an earlier run left keeps working until the API says
 * otherwise. @throws {ToolMissing} @throws {ToolTooOld}
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  await checkTools();
  const log = options.log.part("network");
  const { informers, nodeName, clusterCidrs, serviceCidrs, backend, clock, stateDirectory } = options;
  const { clusterDns, clusterDomain, resolvConf } = options;
  const nodes = informers.of(nodeKind);
  const services = informers.of(serviceKind);
  const slices = informers.of(endpointSlice);
  const namespaces = informers.of(namespaceKind);
  const pods = informers.of(podKind, { fieldSelector: `spec.nodeName=${nodeName}` });
  const parts = new Lifecycle(log);
  try {
    const range = new NodeRange({ stateDirectory, log });
    const setSettings = () => setSysctls(nodeSysctls({ ipv6: clusterCidrs.some(isV6) }), log);
    await setSettings();
    const raise = (nodeIps: readonly string[]) => raiseNodeLink({ nodeIps, dnsIps: clusterDns, serviceCidrs }, log);
    await raise(range.current?.nodeIps ?? []);

    const mtu = await podMtu(backend, options.nodeIps);
    const wireguardLink =
      backend === "wireguard" ? await WireguardLink.open({ directory: stateDirectory, mtu, clock, log }) : undefined;
    const dns = await parts.start("dns", () =>
      openDns({ services, slices, namespaces, addresses: clusterDns, domain: clusterDomain, resolvConf, clock, log }),
    );
    const links = await PodLinks.open({ range, mtu, log });
    const answeredHere = new Set(clusterDns);
    const zone = () => nodes.get({ name: nodeName })?.metadata.labels?.["topology.kubernetes.io/zone"];
    const place = {
      nodeName,
      clusterCidrs,
      answeredHere,
      insideOf: (ip: string) => insideOf(nodes.list(), ip),
      get zone() {
        return zone();
      },
    };
    const settings = () => ({
      podCidrs: backend === "none" ? [] : (range.current?.cidrs ?? []),
      clusterCidrs,
      serviceCidrs,
      answeredHere,
      dnsPort: dns.port,
      overlayPort: backend === "vxlan" ? vxlan.port : undefined,
    });
    if (backend !== "none") await passForeignFilters(clusterCidrs, log);
    const foreign = new ForeignChanges(clock);
    const kernel = await parts.start("nft", () => new KernelTable(clock, () => foreign.own()));
    const proxy = await parts.start("services", async () => {
      const proxy = new ServiceProxy({ services, slices, pods, place, settings, kernel, clock, log });
      await proxy.start();
      return proxy;
    });
    // The kernel has these when there are rules that look at connections.
    await setSysctls(connectionSysctls, log);
    const node = () => nodes.get({ name: nodeName });
    await parts.start("proxy health", () => openProxyHealth({ node, isHealthy: () => proxy.isHealthy, clock, log }));
    const peers = await parts.start("peers", () => {
      const peers = new Peers({ nodes, range, nodeName, backend, mtu, wireguardLink, clock, log });
      peers.start();
      return peers;
    });
    const paths = await parts.start("paths", () => {
      const told = options.missed ?? (() => {});
      const silent = (node: string) => peers.silent(node);
      const paths = new Paths({ nodes, range, nodeName, backend, clusterCidrs, mtu, told, silent, clock, log });
      paths.start();
      return paths;
    });
    await parts.start("mending", () => {
      const filters = () => (backend === "none" ? undefined : passForeignFilters(clusterCidrs, log));
      return mendWhatOthersTake({
        clock,
        log,
        foreign,
        async rules() {
          proxy.resync();
          await filters();
        },
        async filters() {
          await filters();
          paths.askAgain();
        },
        async settings() {
          await setSettings();
          await setSysctls(connectionSysctls, log);
        },
        async links() {
          await raise(range.current?.nodeIps ?? []);
          await links.mend();
          peers.mend();
          paths.askAgain();
        },
        unanswered: (address) => paths.unanswered(address),
        moved: options.moved ?? (async () => {}),
      });
    });
    await parts.start("outside addresses", () =>
      nodes.onChange(({ before, after }) => {
        if (changesOutside(before, after)) proxy.outsideChanged();
      }),
    );
    let known = range.current;
    let knownZone = zone();
    await parts.start("node range", () =>
      nodes.onChange(({ key, after }) => {
        if (key.name !== nodeName || !after) return;
        if (knownZone !== zone()) {
          knownZone = zone();
          proxy.placeChanged();
        }
        range
          .learn(after, ({ nodeIps }) => raise(nodeIps))
          .then(() => {
            if (range.current === known) return;
            known = range.current;
            proxy.resync();
            peers.changed();
            paths.rangeChanged();
          })
          .catch((error) => log.error("the node's pod range could not be taken over", { error }));
      }),
    );

    return {
      annotations: wireguardLink ? { [publicKeyAnnotation]: wireguardLink.publicKey } : {},
      attach: (pod, signal) => links.attach(pod, signal),
      detach: (podUid) => links.detach(podUid),
      keepOnly: (podUids) => links.keepOnly(podUids),
      heard: async () => (await wireguardLink?.heard()) ?? new Map(),
      settled: () => proxy.settled(),
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** The longest packet that a pod may send: what the way to other nodes takes, less what the backend puts around it. */
async function podMtu(backend: Backend, [nodeIp]: readonly string[] = []): Promise<number> {
  const family = nodeIp && isV6(nodeIp) ? 6 : 4;
  const own = nodeIp === undefined ? undefined : await readMtuOf(nodeIp);
  const [v4, v6] = await Promise.all([readOutsideMtu(4), readOutsideMtu(6)]);
  if (own !== undefined) return own - overheadBytes[backend][family];
  return (v4 ?? v6 ?? 1500) - overheadBytes[backend][v4 === undefined && v6 !== undefined ? 6 : 4];
}

const nothing = { 4: 0, 6: 0 };
/** What a backend puts around a packet, by the family in which nodes reach each other. */
const overheadBytes: Readonly<Record<Backend, { readonly 4: number; readonly 6: number }>> = {
  vxlan: vxlan.overheadBytes,
  wireguard: wireguard.overheadBytes,
  "host-gw": nothing,
  none: nothing,
};

const isV6 = (cidr: string): boolean => cidr.includes(":");
