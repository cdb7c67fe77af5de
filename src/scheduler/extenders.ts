import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { Log } from "../base/log.ts";
import { bestOf, type Found, fittingNodes, noneOf, type RoundOptions, scored } from "./cycle.ts";
import type { Rejection } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Room } from "./preemption.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** An HTTP server that has a say in where pods go (Kubernetes docs, "Scheduler Configuration"). */
export interface Extender {
  isInterested(pod: PodInfo): boolean;
  /** The nodes that it leaves, and why it refuses the others. */
  filter(pod: PodInfo, nodes: readonly NodeState[]): Promise<{ left: NodeState[]; refused: Map<string, Rejection> }>;
  /** What it adds to the score of each node, by name. @throws when it does not answer: then it adds nothing */
  prioritize(pod: PodInfo, nodes: readonly NodeState[]): Promise<ReadonlyMap<string, number>>;
  /** Whether it has a say in who makes room. */
  readonly preempts: boolean;
  /** The rooms that it leaves, perhaps with other victims. */
  preempt(pod: PodInfo, rooms: readonly Room[]): Promise<readonly Room[]>;
  /** Whether it binds the pods that it is interested in. */
  readonly binds: boolean;
  /** Whether the pod is bound now; not where an extender that may be left out does not answer. */
  bind(pod: PodInfo, nodeName: string): Promise<boolean>;
}

export interface ExtenderSettings {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly preemptVerb?: string;
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
  options: RoundOptions & { readonly extenders: readonly Extender[]; readonly log: Log },
): Promise<Found> {
  const { extenders, profile, random, log } = options;
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
  if (left.length === 1 && left[0]) return { sort: "node", node: left[0].name };
  const totals = scored(pod, cluster, { nodes: left, profile });
  for (const extender of extenders) {
    try {
      const scores = await extender.prioritize(pod, left);
      for (const [at, { name }] of left.entries()) totals[at] = (totals[at] ?? 0) + (scores.get(name) ?? 0);
    } catch (error) {
      log.warn("an extender did not say which node is better", { pod: pod.pod.metadata.name, error });
    }
  }
  return { sort: "node", node: bestOf(left, totals, random) };
}

/** What is left of the rooms when those extenders have been asked that have a say in it. */
export async function roomsWithExtenders(
  pod: PodInfo,
  rooms: readonly Room[],
  extenders: readonly Extender[],
): Promise<readonly Room[]> {
  let left = rooms;
  for (const extender of extenders) if (extender.preempts && left.length > 0) left = await extender.preempt(pod, left);
  return left;
}

/** Extenders count to 10 where plugins count to 100. */
const scale = 10;

export function openExtender(settings: ExtenderSettings): Extender {
  const { filterVerb, prioritizeVerb, bindVerb, preemptVerb } = settings;
  const { weight = 1, ignorable = false, managedResources = [], nodeCacheCapable = false } = settings;

  const argumentsFor = ({ pod }: PodInfo, nodes: readonly NodeState[]): object =>
    nodeCacheCapable
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

    preempts: Boolean(preemptVerb),
    async preempt(pod, rooms) {
      try {
        return roomsLeft(await ask(preemptVerb ?? "", preemptionArguments(pod, rooms, nodeCacheCapable)), rooms);
      } catch (error) {
        if (!ignorable) throw error;
        return rooms;
      }
    },

    binds: Boolean(bindVerb),
    async bind({ pod: { metadata } }, nodeName) {
      const { name: PodName, namespace: PodNamespace, uid: PodUID } = metadata;
      try {
        const answer = await ask(bindVerb ?? "", { PodName, PodNamespace, PodUID, Node: nodeName });
        const fault = fieldOf(answer, "error");
        if (fault) throw new Error(String(fault));
        return true;
      } catch (error) {
        if (!ignorable) throw error;
        return false;
      }
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

/** Extenders that know the pods themselves are told their uids only. */
function preemptionArguments({ pod }: PodInfo, rooms: readonly Room[], uidsOnly: boolean): object {
  const byNode = (victim: (info: PodInfo) => object): object =>
    Object.fromEntries(
      rooms.map(({ node, victims, broken }) => [node, { Pods: victims.map(victim), NumPDBViolations: broken }]),
    );
  return {
    Pod: pod,
    NodeNameToVictims: uidsOnly ? null : byNode((victim) => victim.pod),
    NodeNameToMetaVictims: uidsOnly ? byNode(({ uid }) => ({ UID: uid })) : null,
  };
}

/** The rooms that an extender left, with the victims that it chose among those it was told of. */
function roomsLeft(answer: unknown, rooms: readonly Room[]): readonly Room[] {
  return Object.entries(fieldOf(answer, "nodenametometavictims") ?? {}).map(([node, chosen]) => {
    const room = rooms.find((each) => each.node === node);
    if (!room) throw new Error(`the extender made room on node ${node}, of which it was not asked`);
    const pods = fieldOf(chosen, "pods");
    const uids = new Set((Array.isArray(pods) ? pods : []).map((pod) => fieldOf(pod, "uid")));
    const victims = room.victims.filter(({ uid }) => uids.has(uid));
    return { node, victims, broken: Number(fieldOf(chosen, "numpdbviolations") ?? 0) };
  });
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
          reject(new Error(`failed ${url.split("/").at(-1)} with extender at URL ${url}, code ${response.statusCode}`));
        else
          try {
            resolve(JSON.parse(text));
          } catch (cause) {
            reject(new Error(`extender ${url}: what it answers is no JSON`, { cause }));
          }
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
