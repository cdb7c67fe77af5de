import type { Node } from "../../api/schema/types.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { type Cidr, cidrContains, parseCidr, parseIp } from "../../base/ip.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { onceSynced } from "../once-synced.ts";
import { nodeAddressIn } from "../pods/allocate.ts";
import type { NodeRange } from "../pods/node-range.ts";
import { type Backend, internalIpOf, peerRanges } from "../pods/routes.ts";
import { heardAtOf } from "../pods/wireguard.ts";
import { type Asked, Echo } from "./echo.ts";
import { type Obstacle, obstacleBetween, sentenceOf } from "./obstacles.ts";

/** By it the node's part shows on its Node what `told` says. */
export const blockedCondition = "PodNetworkBlocked";

export interface PathsOptions {
  readonly nodes: Informer<Node>;
  readonly range: NodeRange;
  readonly nodeName: string;
  readonly backend: Backend;
  readonly clusterCidrs: readonly string[];
  readonly mtu: number;
  /** Told of all that does not arrive, one sentence each, whenever that changes. */
  readonly told: (obstacles: readonly string[]) => void;
  /** Told each time that a node has not answered. */
  readonly silent: (node: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Another node, and the addresses by which it is asked. */
interface Peer {
  readonly name: string;
  readonly nodeIp: string;
  readonly addresses: readonly string[];
  /** Of its pods. */
  readonly cidrs: readonly Cidr[];
  /** When it becomes another, the node is asked again. */
  readonly since: string;
}

/** The questions to a node since it was last begun to ask. */
interface Asking {
  readonly peer: Peer;
  readonly beganMs: number;
  readonly stop: AbortController;
  /** Nothing is missing: no more is asked. */
  isAnswered: boolean;
}

// As long as a node may take to set its ways to one that has just come.
const questionsBeforeSaying = 4;
const again = { firstMs: 1_000, maxMs: 60_000 };
// A question that made this node ask arrived before it began to.
const justBeforeMs = 2_000;

/**
 * Finds out whether pods' packets reach the other nodes: asks a node when it comes or changes, when filters or links of
 * this machine changed, when a pod of it is sent packets and sends none, and when it asks for it; on and on only while it does
 * not answer.
 */
export class Paths implements AsyncDisposable {
  readonly #options: PathsOptions;
  readonly #echo: Echo;
  readonly #asking = new Map<string, Asking>();
  readonly #heardMs = new Map<string, number>();
  readonly #obstacles = new Map<string, { readonly obstacle: Obstacle; readonly sentence: string }>();
  readonly #running = new Set<Promise<void>>();
  readonly #subscriptions = new DisposableStack();
  #listening: Promise<void> = Promise.resolve();

  constructor(options: PathsOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#echo = new Echo({ clock, log, heard: (from, asks) => this.#hear(from, asks) });
  }

  /** Begins to follow the nodes once they are all known. */
  start(): void {
    const { nodes, backend, log } = this.#options;
    if (backend === "none") return;
    const begin = () => {
      this.rangeChanged();
      this.#subscriptions.use(nodes.onChange(({ key, after }) => this.#follow(key.name, after)));
    };
    this.#subscriptions.use(onceSynced([nodes], { begin, log }));
  }

  /** The node has other addresses among pods, or has them now. */
  rangeChanged(): void {
    const { range, backend } = this.#options;
    if (backend === "none") return;
    this.#listening = this.#listening
      .then(() => this.#echo.listenOn(range.current?.nodeIps ?? []))
      .then(() => this.askAgain());
  }

  /** Something changed on this machine that packets pass: every node is asked again. */
  askAgain(): void {
    for (const { peer } of [...this.#asking.values()]) this.#ask(peer);
  }

  /** A pod at this address does not answer: perhaps something on the way to its node lets nothing pass any more. */
  unanswered(address: string): void {
    const ip = parseIp(address);
    const known =
      ip && [...this.#asking.values()].find(({ peer }) => peer.cidrs.some((cidr) => cidrContains(cidr, ip)));
    if (known?.isAnswered) this.#ask(known.peer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions.dispose();
    for (const { stop } of this.#asking.values()) stop.abort();
    await Promise.all([this.#listening, ...this.#running]);
    await this.#echo[Symbol.asyncDispose]();
  }

  #follow(name: string, node: Node | undefined): void {
    if (name === this.#options.nodeName) return;
    const peer = node && peerFrom(node);
    const known = this.#asking.get(name);
    if (peer?.since === known?.peer.since) return;
    if (peer) {
      this.#ask(peer);
      return;
    }
    known?.stop.abort();
    this.#asking.delete(name);
    this.#heardMs.delete(name);
    this.#found(name, undefined);
  }

  /** The other node's question arrived here. */
  #hear(from: string, asks: Asked): void {
    const known = [...this.#asking.values()].find(({ peer }) => peer.addresses.includes(from));
    if (!known) return;
    this.#heardMs.set(known.peer.name, this.#options.clock.elapsed());
    if (asks === "both" && known.isAnswered) this.#ask(known.peer, "one");
  }

  #ask(peer: Peer, sort: Asked = "both"): void {
    this.#asking.get(peer.name)?.stop.abort();
    const asking = { peer, beganMs: this.#options.clock.elapsed(), stop: new AbortController(), isAnswered: false };
    this.#asking.set(peer.name, asking);
    const running = this.#askUntilAnswered(asking, sort).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #askUntilAnswered(asking: Asking, sort: Asked): Promise<void> {
    const { peer, beganMs } = asking;
    const stop = asking.stop.signal;
    const { nodes, nodeName, mtu, clock } = this.#options;
    const backoff = new Backoff(again, clock);
    for (let silent = 1; !stop.aborted; silent++) {
      const answers = await Promise.all(peer.addresses.map((address) => this.#echo.ask(address, sort)));
      const small = answers.every((answered) => answered !== false);
      const sizes = small
        ? await Promise.all(peer.addresses.map((address) => this.#echo.ask(address, "one", mtu)))
        : [false];
      const large = sizes.every((answered) => answered !== false);
      const own = nodes.get({ name: nodeName });
      const nodeIp = own && internalIpOf(own);
      if (stop.aborted || !nodeIp) return;
      const wasHeard = (this.#heardMs.get(peer.name) ?? Number.NEGATIVE_INFINITY) >= beganMs - justBeforeMs;
      const obstacle = obstacleBetween({ name: nodeName, nodeIp }, peer, { small, large, wasHeard, mtu });
      if (!obstacle || silent >= questionsBeforeSaying || this.#obstacles.has(peer.name))
        this.#found(peer.name, obstacle);
      asking.isAnswered = !obstacle;
      if (!obstacle) return;
      if (!small) this.#options.silent(peer.name);
      await backoff.wait(stop);
    }
  }

  #found(name: string, obstacle: Obstacle | undefined): void {
    const { backend, clusterCidrs, told, log } = this.#options;
    const sentence = obstacle && sentenceOf(obstacle, backend, clusterCidrs);
    if (sentence === this.#obstacles.get(name)?.sentence) return;
    if (obstacle && sentence) {
      this.#obstacles.set(name, { obstacle, sentence });
      log.warn(sentence);
    } else {
      this.#obstacles.delete(name);
      log.info("pods' packets to and from another node are no longer missed", { node: name });
    }
    told([...this.#obstacles.values()].map((each) => each.sentence).sort());
  }
}

/** A node as one that can be asked; undefined while it is not ready: nothing is expected of it. */
function peerFrom(node: Node): Peer | undefined {
  const { name } = node.metadata;
  const ranges = peerRanges([node], "");
  const conditions = node.status?.conditions ?? [];
  const [first] = ranges;
  if (!first || !conditions.some(({ type, status }) => type === "Ready" && status === "True")) return undefined;
  const cidrs = ranges.flatMap(({ cidr }) => parseCidr(cidr) ?? []);
  const addresses = cidrs.map((cidr) => nodeAddressIn(cidr));
  // That the other says what it misses may be news of the way to it.
  const missed = conditions.find(({ type }) => type === blockedCondition)?.message ?? "";
  const heardAt = heardAtOf(node) ?? "";
  const keys = ranges.map(({ publicKey }) => publicKey).join();
  const { nodeIp } = first;
  return { name, nodeIp, addresses, cidrs, since: [nodeIp, ...addresses, keys, heardAt, missed].join(" ") };
}
