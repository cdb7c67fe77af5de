import type { Node } from "../api/schema/types.ts";
import { type Amounts, amountsFrom, type PodInfo } from "./pod-info.ts";
import type { NamespaceLabels, SocialTerm } from "./social-terms.ts";

/** A node and what is on it. */
export class NodeState {
  readonly node: Node;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly allocatable: Amounts;
  readonly pods = new Map<string, PodInfo>();
  readonly requested = new Map<string, number>();
  readonly assumed = { cpu: 0, memory: 0 };
  /** Image names with their sizes. */
  readonly images: ReadonlyMap<string, number>;

  constructor(node: Node, pods: Iterable<PodInfo> = []) {
    this.node = node;
    this.name = node.metadata.name;
    this.labels = node.metadata.labels ?? {};
    this.allocatable = amountsFrom(node.status?.allocatable);
    this.images = new Map(
      (node.status?.images ?? []).flatMap(({ names, sizeBytes = 0 }) =>
        (names ?? []).map((name) => [name, sizeBytes] as const),
      ),
    );
    for (const pod of pods) this.add(pod);
  }

  add(pod: PodInfo): void {
    this.remove(pod.uid);
    this.pods.set(pod.uid, pod);
    this.#count(pod, 1);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    this.#count(pod, -1);
  }

  #count({ requests, assumed }: PodInfo, sign: 1 | -1): void {
    for (const [name, amount] of requests) this.requested.set(name, (this.requested.get(name) ?? 0) + sign * amount);
    this.assumed.cpu += sign * assumed.cpu;
    this.assumed.memory += sign * assumed.memory;
  }
}

/** How many pods of some sort are on each node; nodes without any are absent. */
export type CountByNode = ReadonlyMap<string, number>;

interface KeptCount {
  readonly counts: (pod: PodInfo) => boolean;
  readonly byNode: Map<string, number>;
  /** The same by domain, for each way in which it was asked. */
  readonly byDomain: Map<string, { readonly question: DomainQuestion; readonly domains: Map<string, number> }>;
}

/** A domain is the nodes that have the same value of a label. */
export interface DomainQuestion {
  readonly topologyKey: string;
  /** Nodes without all of these labels do not count. */
  readonly keys: readonly string[];
}

/** How many sorts of pods are counted at once; the one asked for least lately is forgotten. */
const maxCounts = 64;

/** The cluster as the scheduler sees it: kept up change by change, never built anew. */
export class Snapshot {
  readonly nodes = new Map<string, NodeState>();
  readonly namespaceLabels: NamespaceLabels;
  /** What pods that are on nodes wish of their neighbours, equal wishes together, with how often each node has them. */
  readonly wishes = new Map<string, { readonly term: SocialTerm; readonly byNode: Map<string, number> }>();
  readonly #placed = new Map<string, { readonly pod: PodInfo; readonly node: string }>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly #counts = new Map<string, KeptCount>();
  readonly #imageHolders = new Map<string, number>();
  #list: NodeState[] | undefined;

  constructor(namespaceLabels: NamespaceLabels) {
    this.namespaceLabels = namespaceLabels;
  }

  /** All nodes in a fixed order. */
  get list(): readonly NodeState[] {
    this.#list ??= [...this.nodes.values()];
    return this.#list;
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const before = this.nodes.get(name);
    const pods = before?.pods ?? this.#homeless.get(name);
    this.#homeless.delete(name);
    const after = new NodeState(node, pods?.values());
    if (!before || !sameLabels(before.labels, after.labels)) this.#domainsChanged();
    this.nodes.set(name, after);
    this.#list = undefined;
    if (before) this.#countImages(before, -1);
    this.#countImages(after, 1);
  }

  removeNode(name: string): void {
    const node = this.nodes.get(name);
    if (!node) return;
    if (node.pods.size > 0) this.#homeless.set(name, node.pods);
    this.nodes.delete(name);
    this.#domainsChanged();
    this.#list = undefined;
    this.#countImages(node, -1);
  }

  /** The pod is on this node, or will be. Said again, the newest counts. */
  place(pod: PodInfo, nodeName: string): void {
    this.remove(pod.uid);
    this.#placed.set(pod.uid, { pod, node: nodeName });
    this.#count(pod, nodeName, 1);
    const node = this.nodes.get(nodeName);
    if (node) node.add(pod);
    else this.#homelessOn(nodeName).set(pod.uid, pod);
  }

  remove(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.#placed.delete(uid);
    this.#count(placed.pod, placed.node, -1);
    this.nodes.get(placed.node)?.remove(uid);
    const homeless = this.#homeless.get(placed.node);
    homeless?.delete(uid);
    if (homeless?.size === 0) this.#homeless.delete(placed.node);
  }

  holds(uid: string): boolean {
    return this.#placed.has(uid);
  }

  /** How many nodes have the image. */
  holdersOf(image: string): number {
    return this.#imageHolders.get(image) ?? 0;
  }

  /**
   * The pods that `counts` means, by node; counted once, and kept up from then on. Equal keys must mean equal pods, and what
   * counts must depend on nothing but the pod and the labels of namespaces.
   */
  podsByNode(key: string, counts: (pod: PodInfo) => boolean): CountByNode {
    return this.#kept(key, counts).byNode;
  }

  /** The same by domain; domains without such pods are there with zero. */
  podsByDomain(key: string, counts: (pod: PodInfo) => boolean, question: DomainQuestion): ReadonlyMap<string, number> {
    const { byNode, byDomain } = this.#kept(key, counts);
    const id = [question.topologyKey, ...question.keys].join(" ");
    let view = byDomain.get(id);
    if (!view) {
      const domains = new Map<string, number>();
      for (const node of this.list) {
        const domain = domainOf(node, question);
        if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + (byNode.get(node.name) ?? 0));
      }
      view = { question, domains };
      byDomain.set(id, view);
    }
    return view.domains;
  }

  #kept(key: string, counts: (pod: PodInfo) => boolean): KeptCount {
    const known = this.#counts.get(key);
    if (known) {
      this.#counts.delete(key);
      this.#counts.set(key, known);
      return known;
    }
    const byNode = new Map<string, number>();
    for (const { pod, node } of this.#placed.values()) if (counts(pod)) addTo(byNode, node, 1);
    const kept: KeptCount = { counts, byNode, byDomain: new Map() };
    this.#counts.set(key, kept);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > maxCounts && oldest !== undefined) this.#counts.delete(oldest);
    return kept;
  }

  #domainsChanged(): void {
    for (const { byDomain } of this.#counts.values()) byDomain.clear();
  }

  /** The labels of a namespace have changed: what was counted by them is counted anew. */
  namespacesChanged(): void {
    this.#counts.clear();
  }

  #count(pod: PodInfo, node: string, sign: 1 | -1): void {
    const state = this.nodes.get(node);
    for (const { counts, byNode, byDomain } of this.#counts.values()) {
      if (!counts(pod)) continue;
      addTo(byNode, node, sign);
      for (const { question, domains } of state ? byDomain.values() : []) {
        const domain = state && domainOf(state, question);
        if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + sign);
      }
    }
    for (const term of pod.socialTerms) {
      let wish = this.wishes.get(term.key);
      if (!wish) {
        wish = { term, byNode: new Map() };
        this.wishes.set(term.key, wish);
      }
      addTo(wish.byNode, node, sign);
      if (wish.byNode.size === 0) this.wishes.delete(term.key);
    }
  }

  #countImages({ images }: NodeState, sign: 1 | -1): void {
    for (const image of images.keys()) addTo(this.#imageHolders, image, sign);
  }

  #homelessOn(nodeName: string): Map<string, PodInfo> {
    const known = this.#homeless.get(nodeName);
    if (known) return known;
    const pods = new Map<string, PodInfo>();
    this.#homeless.set(nodeName, pods);
    return pods;
  }
}

function addTo(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function domainOf({ labels }: NodeState, { topologyKey, keys }: DomainQuestion): string | undefined {
  return keys.every((key) => key in labels) ? (labels[topologyKey] ?? "") : undefined;
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
