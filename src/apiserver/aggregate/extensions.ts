import { apiService } from "../../api/kinds/apiregistration/api-service.ts";
import type { AnyObject } from "../../api/object.ts";
import type { APIService, APIServiceSpec } from "../../api/schema/types.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/log.ts";
import { timeLimit } from "../../base/time-limit.ts";
import type { Store } from "../../store/contract.ts";
import type { NodeDialer } from "../node-dialer.ts";
import { follow } from "../registry/follow.ts";
import type { SeenCondition } from "../system/condition-rules.ts";
import { type Place, placeOf } from "./reach.ts";
import { type ClientCertificate, type SendOptions, sendToExtension } from "./send.ts";

/** A resource as an extension server lists it (APIResource). */
export interface ExtensionResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** A version of an API group that another server serves (Kubernetes docs, "Kubernetes API Aggregation Layer"). */
export interface ExtensionApi {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly spec: APIServiceSpec;
  /** What it said it serves when it was last asked. */
  readonly resources: readonly ExtensionResource[];
  readonly isAvailable: boolean;
  /** Where no other server is asked. */
  readonly local?: LocalApi;
}

/** An API that this server answers by itself, from something else than stored objects. */
export interface LocalApi {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ExtensionResource[];
  /** @throws {StatusError} */
  answer(question: LocalQuestion): Promise<AnyObject>;
}

export interface LocalQuestion {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labelSelector: string;
}

export interface ExtensionsOptions {
  readonly store: Store;
  readonly nodes: NodeDialer;
  readonly clock: Clock;
  readonly certificate?: (() => ClientCertificate) | undefined;
}

interface Known {
  readonly spec: APIServiceSpec;
  readonly since: string;
  readonly retry: Backoff;
  timer: Disposable | undefined;
  asking: Promise<void> | undefined;
  seen: SeenCondition | undefined;
  resources: readonly ExtensionResource[];
}

const askTimeoutMs = 5000;
const retryWaits = { firstMs: 1000, maxMs: 30_000 };

/**
 * The APIs that other servers serve. Each is asked what it has when it turns up, and again while it does not answer; nobody
 * asks one that does.
 */
export class Extensions implements Disposable {
  readonly #options: ExtensionsOptions;
  readonly #known = new Map<string, Known>();
  readonly #stopping = new AbortController();
  readonly #local = new Map<string, LocalApi>();
  readonly #following: Disposable;
  /** Changes whenever discovery is another one. */
  generation = 0;
  /** Called when more is known of an extension than before. */
  onSeen: () => void = () => {};

  constructor(options: ExtensionsOptions) {
    this.#options = options;
    this.#following = follow(options.store, apiService, {
      begin: (services) => this.#begin(services),
      put: (service) => this.#learn(service),
      remove: ({ metadata }) => this.#forget(metadata.name),
    });
  }

  find(group: string, version: string): ExtensionApi | undefined {
    const name = `${version}.${group}`;
    const known = this.#known.get(name);
    if (known) return apiOf(name, known);
    const local = this.#local.get(name);
    return local && localApiOf(name, local);
  }

  /** Answers an API by itself from now on, unless an APIService names another server for it. */
  addLocal(api: LocalApi): void {
    this.#local.set(`${api.version}.${api.group}`, api);
    this.generation++;
  }

  /** The extension that serves a path, if one does. */
  serving(path: string): ExtensionApi | undefined {
    if (this.#known.size + this.#local.size === 0) return undefined;
    const [, group = "", version = ""] = /^\/apis\/([^/]+)\/([^/]+)/.exec(path) ?? [];
    return this.find(group, version);
  }

  all(): ExtensionApi[] {
    const own = [...this.#local].filter(([name]) => !this.#known.has(name));
    return [
      ...[...this.#known].map(([name, known]) => apiOf(name, known)),
      ...own.map(([name, local]) => localApiOf(name, local)),
    ];
  }

  /** Whether it answers, where there is somebody to answer; undefined while it is being asked. */
  seen(name: string): SeenCondition | undefined {
    const known = this.#known.get(name);
    if (known && !known.seen && !known.timer) void this.#ask(name, known);
    return known?.seen;
  }

  /**
   * Whether requests are passed on: only to who said what it serves, as one that does not answer would hold up its clients. It is
   * asked again because somebody wants it; only who was never asked is waited for.
   */
  async answers({ name, local }: ExtensionApi): Promise<boolean> {
    const known = this.#known.get(name);
    if (!known || local) return local !== undefined;
    if (known.seen?.status !== "True" && this.#placeOf(known.spec)) {
      const asked = this.#ask(name, known);
      if (!known.seen) await asked;
    }
    return known.seen?.status === "True";
  }

  /** Sends a request to the server behind an API. @throws where nobody can be reached */
  async send(
    { name, spec }: ExtensionApi,
    request: Pick<SendOptions, "method" | "path" | "headers" | "signal" | "write">,
  ) {
    const { nodes, certificate } = this.#options;
    const place = this.#placeOf(spec);
    if (!place) throw new Error(`nothing serves ${name}`);
    try {
      return await sendToExtension({ ...request, place, spec, nodes, certificate: certificate?.() });
    } catch (error) {
      const known = this.#known.get(name);
      if (known && !request.signal.aborted) void this.#ask(name, known);
      throw error;
    }
  }

  #placeOf({ service }: APIServiceSpec): Place | undefined {
    return service && placeOf(this.#options.store, this.#options.nodes, service);
  }

  #begin(there: readonly APIService[]): void {
    const names = new Set(there.map(({ metadata }) => metadata.name));
    for (const name of [...this.#known.keys()]) if (!names.has(name)) this.#forget(name);
    for (const service of there) this.#learn(service);
  }

  #learn({ metadata: { name }, spec }: APIService): void {
    if (!spec?.service) {
      this.#forget(name);
      return;
    }
    const since = JSON.stringify(spec);
    if (this.#known.get(name)?.since === since) return;
    this.#forget(name);
    const retry = new Backoff(retryWaits, this.#options.clock);
    this.#known.set(name, { spec, since, retry, timer: undefined, asking: undefined, seen: undefined, resources: [] });
    this.generation++;
  }

  #forget(name: string): void {
    const known = this.#known.get(name);
    if (!known) return;
    known.timer?.[Symbol.dispose]();
    this.#known.delete(name);
    this.generation++;
  }

  /** Asks it once at a time, however many want to know. */
  #ask(name: string, known: Known): Promise<void> {
    known.asking ??= this.#askNow(name, known).finally(() => {
      known.asking = undefined;
    });
    return known.asking;
  }

  async #askNow(name: string, known: Known): Promise<void> {
    known.timer?.[Symbol.dispose]();
    known.timer = undefined;
    const { group, version } = known.spec;
    const path = `/apis/${group}/${version}`;
    const before = known.seen?.status;
    try {
      using limit = timeLimit(askTimeoutMs);
      const signal = AbortSignal.any([this.#stopping.signal, limit.signal]);
      known.resources = await this.#resourcesAt(name, known, path, signal);
      known.seen = { type: "Available", status: "True", reason: "Passed", message: "all checks passed" };
      known.retry.reset();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const { service } = known.spec;
      const url = `https://${service?.name}.${service?.namespace}.svc:${service?.port ?? 443}${path}`;
      const message = `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${messageOf(error)}`;
      known.seen = { type: "Available", status: "False", reason: "FailedDiscoveryCheck", message };
      const again = () => {
        known.timer = undefined;
        if (this.#known.get(name) === known) void this.#ask(name, known);
      };
      known.timer = this.#options.clock.after(known.retry.nextMs(), again);
    }
    if (known.seen?.status !== before) this.generation++;
    this.onSeen();
  }

  async #resourcesAt(
    name: string,
    known: Known,
    path: string,
    signal: AbortSignal,
  ): Promise<readonly ExtensionResource[]> {
    const { nodes, certificate } = this.#options;
    const { spec } = known;
    const place = this.#placeOf(spec);
    if (!place) throw new Error(`nothing serves ${name}`);
    const headers = {
      accept: "application/json",
      "x-remote-user": "system:kube-aggregator",
      "x-remote-group": "system:masters",
    };
    const response = await sendToExtension({
      place,
      spec,
      nodes,
      certificate: certificate?.(),
      method: "GET",
      path,
      headers,
      signal,
    });
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    if (response.statusCode !== 200) throw new Error(`bad status from the extension: ${response.statusCode}`);
    const { resources } = JSON.parse(Buffer.concat(parts).toString()) as { resources?: ExtensionResource[] };
    return resources ?? [];
  }

  [Symbol.dispose](): void {
    this.#stopping.abort();
    this.#following[Symbol.dispose]();
    for (const name of [...this.#known.keys()]) this.#forget(name);
  }
}

function localApiOf(name: string, local: LocalApi): ExtensionApi {
  const { group, version, resources } = local;
  const spec = { group, version, groupPriorityMinimum: 100, versionPriority: 100 };
  return { name, group, version, spec, resources, isAvailable: true, local };
}

function apiOf(name: string, { spec, resources, seen }: Known): ExtensionApi {
  const { group = "", version = "" } = spec;
  return { name, group, version, spec, resources, isAvailable: seen?.status === "True" };
}
