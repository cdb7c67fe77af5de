import type { Node } from "../../api/schema/types.ts";
import { parseIp } from "../../base/ip.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { runCommand } from "../run-command.ts";
import { deleteLink, ipBatch, linkExists, readPeerRoutes } from "./kernel.ts";
import type { NodeRange } from "./node-range.ts";
import {
  type Backend,
  internalIpOf,
  overlayCommands,
  type PeerRange,
  peerRanges,
  routeCommands,
  vxlan,
} from "./routes.ts";

/** Keeps the ways to the pods of other nodes: what the Node objects say, in the kernel. */
export class Peers implements AsyncDisposable {
  readonly #options: { nodes: Informer<Node>; range: NodeRange; nodeName: string; backend: Backend; log: Log };
  #applied: readonly PeerRange[] | undefined;
  #subscription: Disposable | undefined;
  #working: Promise<void> = Promise.resolve();
  #pending = false;
  #overlayIp: string | undefined;

  constructor(options: { nodes: Informer<Node>; range: NodeRange; nodeName: string; backend: Backend; log: Log }) {
    this.#options = options;
  }

  /** Begins to follow the nodes once they are all known: until then the routes of an earlier run stay. */
  start(): void {
    const { nodes, backend, log } = this.#options;
    if (backend === "none") return;
    nodes.synced.then(
      () => {
        this.#subscription = nodes.onChange(() => this.changed());
      },
      (error) => log.error("the nodes could not be listed", { error }),
    );
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
    this.#subscription?.[Symbol.dispose]();
    await this.#working;
  }

  async #reconcile(): Promise<void> {
    const { nodes, range, nodeName, backend, log } = this.#options;
    const own = nodes.get({ name: nodeName });
    const known = range.current;
    const nodeIp = own && internalIpOf(own);
    if (!known || !nodeIp) return;
    try {
      if (backend === "vxlan") await this.#raiseOverlay(known.cidrs, nodeIp);
      const from = this.#applied ?? (await readPeerRoutes(backend));
      const to = peerRanges(nodes.list(), nodeName, backend === "vxlan" ? parseIp(nodeIp)?.family : undefined);
      const { ip, bridge } = routeCommands(backend, { from, to, nodeIps: known.nodeIps });
      if (bridge.length > 0) await runCommand("bridge", ["-batch", "-"], { input: `${bridge.join("\n")}\n` });
      await ipBatch(ip);
      this.#applied = to;
      if (ip.length > 0) log.info("the ways to other nodes' pods changed", { nodes: to.length });
    } catch (error) {
      // What the kernel has is read again; the next change of a node tries again.
      this.#applied = undefined;
      log.error("the ways to other nodes' pods could not be set", { error });
    }
  }

  async #raiseOverlay(cidrs: readonly string[], nodeIp: string): Promise<void> {
    if (this.#overlayIp === nodeIp && linkExists(vxlan.link)) return;
    // A link that an earlier run made may have another address; nothing is lost with it that is not set below.
    await deleteLink(vxlan.link);
    this.#applied = [];
    await ipBatch(overlayCommands(cidrs, nodeIp));
    this.#overlayIp = nodeIp;
  }
}
