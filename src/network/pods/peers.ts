import { isDeepStrictEqual } from "node:util";
import type { Node } from "../../api/schema/types.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { parseIp } from "../../base/ip.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { onceSynced } from "../once-synced.ts";
import { runCommand } from "../run-command.ts";
import { deleteLink, ipBatch, linkExists, readOverlay, readPeerRoutes } from "./kernel.ts";
import type { KnownRange, NodeRange } from "./node-range.ts";
import {
  type Backend,
  internalIpOf,
  linkAddressOf,
  makeOverlay,
  type PeerRange,
  peerRanges,
  routeCommands,
  vxlan,
  wireOverlay,
} from "./routes.ts";
import { heardAtOf, publicKeyOf, wireguard } from "./wireguard.ts";
import type { WireguardLink } from "./wireguard-link.ts";

export interface PeersOptions {
  readonly nodes: Informer<Node>;
  readonly range: NodeRange;
  readonly nodeName: string;
  readonly backend: Backend;
  /** The longest packet that pods send. */
  readonly mtu: number;
  /** Where that is the backend. */
  readonly wireguardLink?: WireguardLink | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps the ways to the pods of other nodes: what the Node objects say, in the kernel. */
export class Peers implements AsyncDisposable {
  readonly #options: PeersOptions;
  readonly #backoff: Backoff;
  #retry: Disposable | undefined;
  #applied: readonly PeerRange[] | undefined;
  readonly #subscriptions = new DisposableStack();
  #working: Promise<void> = Promise.resolve();
  #pending = false;
  #mending = false;
  /** The addresses that the overlay was made for. */
  #raisedFor: string | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000 }, options.clock);
  }

  /** Begins to follow the nodes once they are all known: until then the routes of an earlier run stay. */
  start(): void {
    const { nodes, backend, log } = this.#options;
    if (backend === "none") return;
    const begin = () => void this.#subscriptions.use(nodes.onChange(() => this.changed()));
    this.#subscriptions.use(onceSynced([nodes], { begin, log }));
  }

  /** Somebody else took ways away: all of them are set anew. */
  mend(): void {
    this.#mending = true;
    this.changed();
  }

  /** Nothing of a node is heard: with WireGuard it is looked for at its other place, if it has one. */
  silent(name: string): void {
    const { nodes, wireguardLink, log } = this.#options;
    const node = nodes.get({ name });
    const [publicKey, heardAt] = node ? [publicKeyOf(node), heardAtOf(node)] : [];
    const nodeIp = node && internalIpOf(node);
    if (!wireguardLink || !publicKey || !heardAt || !nodeIp) return;
    this.#working = this.#working
      .then(() => wireguardLink.tryOtherPlace(publicKey, nodeIp, heardAt))
      .catch((error: unknown) => log.warn("a node could not be looked for at another place", { node: name, error }));
  }

  /** Something that routes depend on changed. */
  changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#working = this.#working.then(() => {
      this.#pending = false;
      return this.#reconcile();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions.dispose();
    this.#retry?.[Symbol.dispose]();
    await this.#working;
  }

  async #reconcile(): Promise<void> {
    const { nodes, range, nodeName, backend, wireguardLink, clock, log } = this.#options;
    const own = nodes.get({ name: nodeName });
    const known = range.current;
    const nodeIp = own && internalIpOf(own);
    if (!known || !nodeIp) return;
    try {
      await this.#raiseOverlay(known, nodeIp);
      const from = this.#applied ?? (await readPeerRoutes(backend));
      const hasOverlay = backend === "vxlan" || backend === "wireguard";
      const ranges = peerRanges(nodes.list(), nodeName, hasOverlay ? parseIp(nodeIp)?.family : undefined);
      const to = wireguardLink ? ranges.filter(({ publicKey }) => publicKey) : ranges;
      if (wireguardLink && !(this.#applied && isDeepStrictEqual(from, to))) await wireguardLink.lead(from, to);
      const { ip, bridge } = routeCommands(backend, { from, to, nodeIps: known.nodeIps });
      if (bridge.length > 0) await runCommand("bridge", ["-batch", "-"], { input: `${bridge.join("\n")}\n` });
      await ipBatch(ip);
      this.#applied = to;
      this.#backoff.reset();
      if (ip.length > 0) log.info("the ways to other nodes' pods changed", { nodes: to.length });
    } catch (error) {
      // What the kernel has is read again. A link that is down takes no routes: when it comes up, that is heard of.
      this.#applied = undefined;
      log.error("the ways to other nodes' pods could not be set, trying again", { error });
      this.#retry ??= clock.after(this.#backoff.nextMs(), () => {
        this.#retry = undefined;
        this.changed();
      });
    }
  }

  /** Makes the backend's own link, or mends it; takes away that of a backend that was chosen before. */
  async #raiseOverlay(known: KnownRange, nodeIp: string): Promise<void> {
    const { backend, wireguardLink } = this.#options;
    const link = backend === "vxlan" ? vxlan.link : backend === "wireguard" ? wireguard.link : undefined;
    const wantedFor = `${nodeIp} ${known.nodeIps.join()}`;
    const stays = this.#raisedFor === wantedFor && (!link || linkExists(link));
    if (stays && !this.#mending) return;
    if (this.#mending) this.#applied = [];
    this.#mending = false;
    for (const other of [vxlan.link, wireguard.link]) if (other !== link) await deleteLink(other);
    if (wireguardLink) {
      if (!linkExists(wireguard.link)) this.#applied = [];
      await wireguardLink.raise(known);
    } else if (link) {
      // That of an earlier run stays, and with it the packets on their way, unless its addresses are others.
      const end = { nodeIp, linkAddress: linkAddressOf(known.cidrs[0] ?? "") };
      const fits = isDeepStrictEqual(await readOverlay(), end);
      if (!fits) await deleteLink(link);
      if (!fits) this.#applied = [];
      await ipBatch([...(fits ? [] : makeOverlay(end)), ...wireOverlay(known, this.#options.mtu)]);
    }
    this.#raisedFor = wantedFor;
  }
}
