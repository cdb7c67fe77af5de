import { isDeepStrictEqual } from "node:util";
import type { AnyObject, KubeObject } from "../../api/object.ts";
import { strategicPatch } from "../../api/patch/strategic.ts";
import type {
  DiscoveredResource,
  ListOf,
  Patch,
  ResourceRequest,
  WatchEvent,
  WatchRequest,
} from "../../api/request.ts";
import { nodeOfKind } from "../../api/schema/table.ts";
import { parseLabelSelector } from "../../api/selector.ts";
import { alreadyExists, badRequest, conflict, notFound, StatusError } from "../../api/status.ts";
import { sleep } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Transport } from "../transport.ts";

/**
 * A small API server in memory, for tests of what stands above the client: names, uids, revisions, conflicts, status as a
 * part of its own, finalizers, graceful deletion of bound pods, watches with history. No validation, no defaults.
 */
export interface MemoryTransport extends Transport {
  /** Forgets the history: watches from before now are told "Expired". */
  compact(): void;
  /** Ends every open watch, as a server does from time to time. */
  endWatches(): void;
  /** How much later watches tell what was written; at once unless set. */
  watchLagMs: number;
  /** Called before a request is served, which waits for it; what it throws is the answer. */
  intercept: ((request: ResourceRequest) => void | Promise<void>) | undefined;
  /** Told each change in the moment in which it is stored, whatever watches lag. */
  stored: ((change: WatchEvent) => void) | undefined;
  /** What discovery lists, by "group/version". */
  readonly served: Map<string, readonly DiscoveredResource[]>;
  /** Every writing request that was served, oldest first. */
  readonly writes: readonly ResourceRequest[];
}

interface Recorded {
  readonly revision: number;
  readonly resource: string;
  readonly event: WatchEvent;
}

export function memoryTransport(clock: Clock): MemoryTransport {
  const objects = new Map<string, AnyObject>();
  const writes: ResourceRequest[] = [];
  let history: Recorded[] = [];
  let oldest = 0;
  let revision = 0;
  let watchRound = 0;
  const wakes = new Set<() => void>();

  const resourceOf = ({ group, resource }: { group: string; resource: string }): string => `${resource}.${group}`;
  const pathOf = (request: ResourceRequest, name = request.name): string =>
    `${resourceOf(request)}/${request.namespace ?? ""}/${name}`;
  const nowText = (): string => `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;

  function store(request: ResourceRequest, type: "ADDED" | "MODIFIED" | "DELETED", object: AnyObject): AnyObject {
    revision++;
    const stored = deepFreeze({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    });
    const path = pathOf(request, object.metadata.name);
    if (type === "DELETED") objects.delete(path);
    else objects.set(path, stored);
    history.push({ revision, resource: resourceOf(request), event: { type, object: stored } });
    for (const wake of wakes) wake();
    transport.stored?.({ type, object: stored });
    return stored;
  }

  function existing(request: ResourceRequest): AnyObject {
    const object = objects.get(pathOf(request));
    if (!object) throw notFound({ group: request.group, plural: request.resource }, request.name ?? "");
    return object;
  }

  function create(request: ResourceRequest): AnyObject {
    if (!request.body) throw badRequest("a create needs a body");
    if (request.subresource) return act(request);
    const { metadata } = request.body;
    const name = metadata.name || `${metadata.generateName}${crypto.randomUUID().slice(0, 5)}`;
    if (objects.has(pathOf(request, name)))
      throw alreadyExists({ group: request.group, plural: request.resource }, name);
    return store(request, "ADDED", {
      ...structuredClone(request.body),
      metadata: {
        ...structuredClone(metadata),
        name,
        uid: crypto.randomUUID(),
        creationTimestamp: nowText(),
        generation: 1,
      },
    });
  }

  function act(request: ResourceRequest): AnyObject {
    const old = existing(request);
    if (request.subresource !== "binding") throw badRequest(`no subresource ${request.subresource} here`);
    const { target } = request.body as AnyObject & { target: { name: string } };
    const spec = old.spec as { nodeName?: string };
    if (spec.nodeName) throw conflict({ group: "", plural: "pods/binding" }, request.name ?? "", "already assigned");
    const status = (old.status ?? {}) as { conditions?: { type: string }[] };
    const conditions = (status.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    return store(request, "MODIFIED", {
      ...old,
      spec: { ...spec, nodeName: target.name },
      status: {
        ...status,
        conditions: [...conditions, { type: "PodScheduled", status: "True", lastTransitionTime: nowText() }],
      },
    });
  }

  function change(request: ResourceRequest, wanted: AnyObject): AnyObject {
    const old = existing(request);
    const { resourceVersion, uid } = wanted.metadata;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
      throw conflict(
        { group: request.group, plural: request.resource },
        old.metadata.name,
        "the object has been modified",
      );
    if (uid && uid !== old.metadata.uid)
      throw conflict({ group: request.group, plural: request.resource }, old.metadata.name, "Precondition failed: UID");
    const { uid: oldUid, creationTimestamp, deletionTimestamp } = old.metadata;
    const next: AnyObject =
      request.subresource === "status"
        ? { ...old, status: wanted.status }
        : { ...wanted, ...("status" in old ? { status: old.status } : {}) };
    const specChanged = !isDeepStrictEqual(next.spec, old.spec);
    next.metadata = {
      ...wanted.metadata,
      ...(oldUid && { uid: oldUid }),
      ...(creationTimestamp && { creationTimestamp }),
      ...(deletionTimestamp && { deletionTimestamp }),
      generation: (old.metadata.generation ?? 0) + (specChanged ? 1 : 0),
    };
    if (old.metadata.resourceVersion) next.metadata.resourceVersion = old.metadata.resourceVersion;
    if (isDeepStrictEqual(next, old)) return old;
    const finished = next.metadata.deletionTimestamp && !next.metadata.finalizers?.length && !graceSeconds(old);
    return store(request, finished ? "DELETED" : "MODIFIED", structuredClone(next));
  }

  /** Bound pods end at their own pace: they stay until they are deleted with grace 0. */
  function graceSeconds(object: AnyObject, asked?: number): number {
    const bound = object.kind === "Pod" && (object.spec as { nodeName?: string } | undefined)?.nodeName;
    return bound ? (asked ?? 30) : 0;
  }

  function remove(request: ResourceRequest): AnyObject {
    const old = existing(request);
    const { uid, resourceVersion } = request.options?.preconditions ?? {};
    if ((uid && uid !== old.metadata.uid) || (resourceVersion && resourceVersion !== old.metadata.resourceVersion))
      throw conflict({ group: request.group, plural: request.resource }, old.metadata.name, "Precondition failed");
    const policy = request.options?.propagationPolicy;
    const added = policy === "Foreground" ? ["foregroundDeletion"] : policy === "Orphan" ? ["orphan"] : [];
    const finalizers = [...new Set([...(old.metadata.finalizers ?? []), ...added])];
    const grace = graceSeconds(old, request.options?.gracePeriodSeconds);
    if (finalizers.length === 0 && grace === 0) return store(request, "DELETED", old);
    const metadata = { ...old.metadata, finalizers, deletionTimestamp: old.metadata.deletionTimestamp ?? nowText() };
    if (finalizers.length === 0) delete (metadata as Partial<typeof metadata>).finalizers;
    const next = { ...old, metadata: { ...metadata, deletionGracePeriodSeconds: grace } };
    return isDeepStrictEqual(next, old) ? old : store(request, "MODIFIED", structuredClone(next));
  }

  function list({ group, resource, namespace, options }: ResourceRequest): ListOf<AnyObject> {
    const matcher = parseLabelSelector(options?.labelSelector ?? "");
    const prefix = `${resourceOf({ group, resource })}/${namespace === undefined ? "" : `${namespace}/`}`;
    const items = [...objects]
      .filter(([path, { metadata }]) => path.startsWith(prefix) && matcher.matches(metadata.labels))
      .map(([, object]) => object);
    return { metadata: { resourceVersion: String(revision) }, items };
  }

  function serve(request: ResourceRequest): KubeObject | ListOf<AnyObject> {
    switch (request.verb) {
      case "get":
        return existing(request);
      case "list":
        return list(request);
      case "create":
        return create(request);
      case "update":
        if (!request.body) throw badRequest("an update needs a body");
        return change(request, request.body);
      case "patch":
        return change(request, patched(existing(request), request.patch));
      case "delete":
        return remove(request);
      case "deletecollection":
        for (const { metadata } of list(request).items) remove({ ...request, name: metadata.name });
        return list(request);
    }
  }

  async function* watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const round = watchRound;
    const matcher = parseLabelSelector(request.labelSelector ?? "");
    const wanted = ({ metadata }: KubeObject): boolean =>
      (request.namespace === undefined || metadata.namespace === request.namespace) && matcher.matches(metadata.labels);
    let at = Number(request.resourceVersion ?? 0);
    if (at === 0) {
      const { items, metadata } = list({ verb: "list", ...request, options: request });
      at = Number(metadata.resourceVersion);
      for (const object of items) yield { type: "ADDED", object };
    }
    while (!signal.aborted && round === watchRound) {
      if (at < oldest) throw new StatusError("Expired", `too old resource version: ${at} (${oldest})`);
      const news = history.filter((entry) => entry.revision > at && entry.resource === resourceOf(request));
      if (news.length > 0 && transport.watchLagMs > 0) await sleep(clock, transport.watchLagMs, signal);
      for (const { revision: seen, event } of news) {
        at = seen;
        if (wanted(event.object)) yield event;
      }
      if (news.length === 0) await nextWrite(signal);
    }
  }

  function nextWrite(signal: AbortSignal): Promise<void> {
    return new Promise((done) => {
      const wake = (): void => {
        wakes.delete(wake);
        signal.removeEventListener("abort", wake);
        done();
      };
      wakes.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted) wake();
    });
  }

  const transport: MemoryTransport = {
    intercept: undefined,
    stored: undefined,
    watchLagMs: 0,
    served: new Map(),
    writes,
    async request(request) {
      const held = transport.intercept?.(request);
      if (held) await held;
      const answer = serve(request);
      if (request.verb !== "get" && request.verb !== "list") writes.push(request);
      return answer;
    },
    watch,
    async discover(group, version) {
      const resources = transport.served.get(`${group}/${version}`);
      if (!resources) throw notFound({ group, plural: version }, "");
      return resources;
    },
    compact() {
      oldest = revision;
      history = [];
    },
    endWatches() {
      watchRound++;
      for (const wake of wakes) wake();
    },
  };
  return transport;
}

/** A JSON patch is not understood. */
function patched(object: AnyObject, patch: Patch | undefined): AnyObject {
  const node = nodeOfKind(object.apiVersion, object.kind);
  if (patch?.type !== "strategic" || !node) return merged(object, patch?.document) as AnyObject;
  return strategicPatch(structuredClone(object), patch.document, node) as AnyObject;
}

/** RFC 7386; lists of objects with a `uid` or `type` are not merged, as in a merge patch. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
