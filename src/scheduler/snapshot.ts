import type { Node, PodAffinityTerm } from "../api/schema/types.ts";
import { selects } from "../api/selector.ts";
import { type Amounts, amountsFrom, type PodInfo } from "./pod-info.ts";

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
      (node.status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, sizeBytes])),
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

/** The labels of namespaces, for affinity terms that select by them. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

/** The cluster as the scheduler sees it: kept up change by change, never built anew. */
export class Snapshot {
  readonly nodes = new Map<string, NodeState>();
  readonly namespaceLabels: NamespaceLabels;
  /** Pods on nodes that keep others away or like company: the only ones that each new pod must be held against. */
  readonly social = new Map<string, { readonly pod: PodInfo; readonly node: string }>();
  readonly #nodeOf = new Map<string, string>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
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
    const pods = this.nodes.get(name)?.pods ?? this.#homeless.get(name);
    this.#homeless.delete(name);
    this.nodes.set(name, new NodeState(node, pods?.values()));
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const pods = this.nodes.get(name)?.pods;
    if (pods && pods.size > 0) this.#homeless.set(name, pods);
    this.nodes.delete(name);
    this.#list = undefined;
  }

  /** The pod is on this node, or will be. Said again, the newest counts. */
  place(pod: PodInfo, nodeName: string): void {
    this.remove(pod.uid);
    this.#nodeOf.set(pod.uid, nodeName);
    if (hasAffinity(pod)) this.social.set(pod.uid, { pod, node: nodeName });
    const node = this.nodes.get(nodeName);
    if (node) node.add(pod);
    else this.#homelessOn(nodeName).set(pod.uid, pod);
  }

  remove(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    this.social.delete(uid);
    this.nodes.get(nodeName)?.remove(uid);
    const homeless = this.#homeless.get(nodeName);
    homeless?.delete(uid);
    if (homeless?.size === 0) this.#homeless.delete(nodeName);
  }

  holds(uid: string): boolean {
    return this.#nodeOf.has(uid);
  }

  /** The same cluster with other pods on one node: for asking "what if". */
  withNode(node: NodeState): Snapshot {
    const other = new Snapshot(this.namespaceLabels);
    for (const [name, state] of this.nodes) other.nodes.set(name, name === node.name ? node : state);
    for (const [uid, entry] of this.social)
      if (entry.node !== node.name || node.pods.has(uid)) other.social.set(uid, entry);
    for (const pod of node.pods.values()) if (hasAffinity(pod)) other.social.set(pod.uid, { pod, node: node.name });
    return other;
  }

  #homelessOn(nodeName: string): Map<string, PodInfo> {
    const known = this.#homeless.get(nodeName);
    if (known) return known;
    const pods = new Map<string, PodInfo>();
    this.#homeless.set(nodeName, pods);
    return pods;
  }
}

function hasAffinity({ spec }: PodInfo): boolean {
  return Boolean(spec.affinity?.podAntiAffinity || spec.affinity?.podAffinity);
}

/** Whether an affinity term of `owner` means `other`. */
export function termMeans(
  { owner, term, other }: { owner: PodInfo; term: PodAffinityTerm; other: PodInfo },
  namespaceLabels: NamespaceLabels,
): boolean {
  const { namespaces = [], namespaceSelector, labelSelector } = term;
  const anywhere = namespaces.length === 0 && !namespaceSelector ? [owner.namespace] : namespaces;
  const inNamespace =
    anywhere.includes(other.namespace) ||
    (namespaceSelector !== undefined && selects(namespaceSelector, namespaceLabels(other.namespace) ?? {}));
  if (!inNamespace || !selects(labelSelector, other.labels)) return false;
  const same = (key: string): boolean => !(key in owner.labels) || owner.labels[key] === other.labels[key];
  const differ = (key: string): boolean => !(key in owner.labels) || owner.labels[key] !== other.labels[key];
  return (term.matchLabelKeys ?? []).every(same) && (term.mismatchLabelKeys ?? []).every(differ);
}
