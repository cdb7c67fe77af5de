import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { bestOf, type Found, fittingNodes, noneOf, type RoundOptions, scored } from "./cycle.ts";
import type { Rejection } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** An HTTP server that has a say in where pods go (Kubernetes docs, "Scheduler Configuration"). */
export interface Extender {
  isInterested(pod: PodInfo): boolean;
  /** The nodes that it leaves, and why it refuses the others. */
  filter(pod: PodInfo, nodes: readonly NodeState[]): Promise<{ left: NodeState[]; refused: Map<string, Rejection> }>;
  /** What it adds to the score of each node, by name. */
  prioritize(pod: PodInfo, nodes: readonly NodeState[]): Promise<ReadonlyMap<string, number>>;
  /** Whether it binds the pods that it is interested in. */
  readonly binds: boolean;
  bind(pod: PodInfo, nodeName: string): Promise<void>;
}

export interface ExtenderSettings {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly weight?: number;
  readonly httpTimeoutMs: number;
  readonly tls?: {
    readonly insecure?: boolean;
    readonly serverName?: string;
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /** Whether it knows the nodes itself, so that their names are enough. */
  readonly nodeCacheCapable?: boolean;
  /** Only pods that ask for one of these concern it; all unless said. */
  readonly managedResources?: readonly string[];
  /** Whether pods are placed without it when it does not answer. */
  readonly ignorable?: boolean;
}

export const extenderName = "Extender";

/** The nodes that fit, then the extenders' opinion of them. */
export async function findNodeWithExtenders(
  pod: PodInfo,
  cluster: Snapshot,
  options: RoundOptions & { readonly extenders: readonly Extender[] },
): Promise<Found> {
  const { extenders, profile, random } = options;
  const fitting = fittingNodes(pod, cluster, options);
  if (fitting.sort === "none") return fitting;
  let left = [...fitting.nodes];
  const rejections = new Map(fitting.rejections);
  for (const extender of extenders) {
    const answer = await extender.filter(pod, left);
    for (const [name, rejection] of answer.refused) rejections.set(name, rejection);
    left = answer.left;
    if (left.length === 0) return noneOf(cluster.list.length, rejections, new Set([extenderName]));
  }
  const totals = scored(pod, cluster, { nodes: left, profile });
  for (const extender of extenders) {
    const scores = await extender.prioritize(pod, left);
    for (const [at, { name }] of left.entries()) totals[at] = (totals[at] ?? 0) + (scores.get(name) ?? 0);
  }
  return { sort: "node", node: bestOf(left, totals, random) };
}

/** Extenders count to 10 where plugins count to 100. */
const scale = 10;

export function openExtender(settings: ExtenderSettings): Extender {
  const { filterVerb, prioritizeVerb, bindVerb, weight = 1, ignorable = false, managedResources = [] } = settings;

  const argumentsFor = ({ pod }: PodInfo, nodes: readonly NodeState[]): object =>
    settings.nodeCacheCapable
      ? { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) }
      : { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };

  async function ask(verb: string, question: object): Promise<unknown> {
    return post(`${settings.urlPrefix.replace(/\/$/, "")}/${verb}`, question, settings);
  }

  return {
    isInterested: ({ requests }) =>
      managedResources.length === 0 || managedResources.some((name) => requests.has(name)),

    async filter(pod, nodes) {
      if (!filterVerb) return { left: [...nodes], refused: new Map() };
      try {
        return filtered(await ask(filterVerb, argumentsFor(pod, nodes)), nodes);
      } catch (error) {
        if (!ignorable) throw error;
        return { left: [...nodes], refused: new Map() };
      }
    },

    async prioritize(pod, nodes) {
      if (!prioritizeVerb) return new Map();
      const answer = await ask(prioritizeVerb, argumentsFor(pod, nodes));
      const scores = new Map<string, number>();
      for (const entry of Array.isArray(answer) ? answer : [])
        scores.set(String(fieldOf(entry, "host")), Number(fieldOf(entry, "score") ?? 0) * weight * scale);
      return scores;
    },

    binds: bindVerb !== undefined,
    async bind({ pod: { metadata } }, nodeName) {
      const { name: PodName, namespace: PodNamespace, uid: PodUID } = metadata;
      const answer = await ask(bindVerb ?? "", { PodName, PodNamespace, PodUID, Node: nodeName });
      const fault = fieldOf(answer, "error");
      if (fault) throw new Error(String(fault));
    },
  };
}

function filtered(answer: unknown, nodes: readonly NodeState[]) {
  const fault = fieldOf(answer, "error");
  if (fault) throw new Error(String(fault));
  const names = fieldOf(answer, "nodenames");
  const items = fieldOf(fieldOf(answer, "nodes"), "items");
  const kept = new Set<unknown>(
    Array.isArray(names)
      ? names
      : (Array.isArray(items) ? items : []).map((item) => fieldOf(fieldOf(item, "metadata"), "name")),
  );
  const refused = new Map<string, Rejection>();
  const refuse = (field: string, curable: boolean): void => {
    for (const [name, reason] of Object.entries(fieldOf(answer, field) ?? {}))
      refused.set(name, { reasons: [String(reason)], curable });
  };
  refuse("failednodes", true);
  refuse("failedandunresolvablenodes", false);
  return { left: nodes.filter(({ name }) => kept.has(name)), refused };
}

/** A field of an answer, however its name is capitalized: extenders of all ages are about. */
function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1];
}

async function post(url: string, body: object, { tls, httpTimeoutMs }: ExtenderSettings): Promise<unknown> {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFile(path, "utf8"));
  const [ca, cert, key] = await Promise.all([file(tls?.caFile), file(tls?.certFile), file(tls?.keyFile)]);
  const secure = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tls?.serverName && { servername: tls.serverName }),
    ...(tls?.insecure && { rejectUnauthorized: false }),
  };
  const payload = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
  const options = { method: "POST", headers, timeout: httpTimeoutMs };
  return new Promise((resolve, reject) => {
    const receive = (response: http.IncomingMessage): void => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        if (response.statusCode !== 200)
          reject(new Error(`extender ${url}: ${response.statusCode} ${text.slice(0, 200)}`));
        else resolve(JSON.parse(text));
      });
    };
    const request = url.startsWith("https:")
      ? https.request(url, { ...options, ...secure }, receive)
      : http.request(url, options, receive);
    request.on("timeout", () => request.destroy(new Error(`extender ${url}: no answer within ${httpTimeoutMs} ms`)));
    request.on("error", reject);
    request.end(payload);
  });
}
