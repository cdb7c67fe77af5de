import { keyOf, keyText } from "../../api/object.ts";
import type { EndpointSlice, Pod, Service } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Informer } from "../../client/informer.ts";
import { onceSynced } from "../once-synced.ts";
import { serviceNameLabel } from "../service-facts.ts";
import { forgetFlows, staleFlows } from "./conntrack.ts";
import { type Place, rulesOfHostPorts, rulesOfService } from "./desired.ts";
import { commandsBetween } from "./diff.ts";
import { readyLocalEndpoints } from "./endpoints.ts";
import { type HealthCheck, HealthCheckServers } from "./health-check.ts";
import type { KernelTable } from "./kernel.ts";
import { emptyRuleset, mergeRulesets, type Ruleset } from "./ruleset.ts";
import { type TableSettings, tableText } from "./table.ts";

// What arrives within it becomes one transaction: a rolling update changes many slices at once.
const gatherMs = 3;
// Waits between attempts when the kernel refuses even a whole table.
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

export interface ServiceProxyOptions {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** The pods of this node. */
  readonly pods: Informer<Pod>;
  readonly place: Place;
  /** Asked each time the whole table is written. */
  readonly settings: () => TableSettings;
  readonly kernel: Pick<KernelTable, "change" | "replace" | "exists">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps skiff's table in the kernel equal to what Services, their endpoints and host ports ask for. */
export class ServiceProxy implements AsyncDisposable {
  readonly #options: ServiceProxyOptions;
  readonly #checks: HealthCheckServers;
  /** The rules of each Service and of each pod with host ports: what is merged when one of them changed. */
  readonly #rules = new Map<string, { since: string; rules: Ruleset }>();
  readonly #changed = new Set<string>();
  readonly #subscriptions = new DisposableStack();
  /** What the kernel has; undefined: not known, the next write replaces the whole table. */
  #applied: Ruleset | undefined;
  #timer: Disposable | undefined;
  #working: Promise<void> = Promise.resolve();
  #retryMs = firstRetryMs;
  #started = false;
  #stopped = false;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#checks = new HealthCheckServers(options.log);
  }

  /**
   * Resolves when the node has a table: the one that an earlier run left, or one without Services, so that pods
   * reach the outside. Services follow as soon as the informers have them.
   */
  async start(): Promise<void> {
    const { services, slices, pods, kernel, settings, log } = this.#options;
    if (!(await kernel.exists())) await kernel.replace(tableText(settings(), emptyRuleset));
    this.#subscriptions.use(onceSynced([services, slices, pods], { begin: () => this.#follow(), log }));
  }

  /** Writes the whole table anew: the node's range changed, or somebody else touched the table. */
  resync(): void {
    this.#applied = undefined;
    if (this.#started) this.#soon(0);
    else this.#working = this.#working.then(() => this.#writeBase());
  }

  /** What the nodes are reached at from outside became another: load balancers answer there. */
  outsideChanged(): void {
    for (const service of this.#options.services.list())
      if (this.#started && service.spec.type === "LoadBalancer") this.#touch(`service ${keyText(keyOf(service))}`);
  }

  /** Where the node stands changed: what leads where is decided anew. */
  placeChanged(): void {
    for (const what of this.#rules.keys()) this.#touch(what);
  }

  /** Whether the kernel took what it was last told. */
  get isHealthy(): boolean {
    return this.#retryMs === firstRetryMs;
  }

  /** Resolves when everything that is known has been carried out. */
  async settled(): Promise<void> {
    while (this.#timer || this.#changed.size > 0) await this.#flush();
    await this.#working;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#subscriptions.dispose();
    this.#timer?.[Symbol.dispose]();
    await this.#working;
    await this.#checks[Symbol.asyncDispose]();
  }

  #follow(): void {
    const { services, slices, pods } = this.#options;
    this.#started = true;
    this.#subscriptions.use(services.onChange(({ key }) => this.#touch(`service ${keyText(key)}`)));
    this.#subscriptions.use(
      slices.onChange(({ before, after }) => {
        for (const slice of [before, after])
          for (const name of slice ? serviceOfSlice(slice) : []) this.#touch(`service ${name}`);
      }),
    );
    this.#subscriptions.use(
      pods.onChange(({ key, before, after }) => {
        if ([before, after].some((pod) => pod && wantsHostPorts(pod))) this.#touch(`pod ${keyText(key)}`);
      }),
    );
    this.#soon(0);
  }

  #touch(what: string): void {
    this.#changed.add(what);
    this.#soon(gatherMs);
  }

  #soon(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer ??= this.#options.clock.after(delayMs, () => void this.#flush());
  }

  /** One round after the other; changes that come meanwhile make the next. */
  #flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#working = this.#working.then(() => this.#round());
    return this.#working;
  }

  async #round(): Promise<void> {
    const { kernel, settings, log } = this.#options;
    for (const what of this.#changed) this.#compute(what);
    this.#changed.clear();
    const wanted = mergeRulesets(inOrder(this.#rules));
    const before = this.#applied;
    try {
      if (before) await this.#carryOut(before, wanted);
      else await kernel.replace(tableText(settings(), wanted));
      this.#applied = wanted;
      this.#retryMs = firstRetryMs;
    } catch (error) {
      this.#applied = undefined;
      log.error("the rules of Services could not be written; trying again", { error, againInMs: this.#retryMs });
      this.#soon(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, longestRetryMs);
    }
    if (before && this.#applied) await forgetFlows(staleFlows(before, wanted), log);
    this.#checks.keep(this.#healthChecks());
  }

  /** The change if that works, else the whole table. */
  async #carryOut(from: Ruleset, to: Ruleset): Promise<void> {
    const { kernel, settings, log } = this.#options;
    try {
      await kernel.change(commandsBetween(from, to));
    } catch (error) {
      log.warn("a change of rules was refused; writing the whole table", { error });
      await kernel.replace(tableText(settings(), to));
    }
  }

  async #writeBase(): Promise<void> {
    const { kernel, settings, log } = this.#options;
    try {
      await kernel.replace(tableText(settings(), emptyRuleset));
    } catch (error) {
      log.error("the table of rules could not be written", { error });
    }
  }

  /** What cannot be made sense of keeps the rules that it had: the others' must not wait for it. */
  #compute(what: string): void {
    try {
      this.#computeRules(what);
    } catch (error) {
      this.#options.log.error("the rules of a Service or pod could not be worked out", { of: what, error });
    }
  }

  #computeRules(what: string): void {
    const { services, slices, pods, place } = this.#options;
    const [sort, text = ""] = what.split(" ");
    const [namespace = "", name = ""] = text.split("/");
    if (sort === "service") {
      const service = services.get({ namespace, name });
      const rules = service && rulesOfService(service, slices.by(serviceOfSlice, text), place);
      this.#keep(what, service, rules);
    } else {
      const pod = pods.get({ namespace, name });
      this.#keep(what, pod, pod && rulesOfHostPorts(pod));
    }
  }

  #keep(what: string, object: Service | Pod | undefined, rules: Ruleset | undefined): void {
    if (object && rules) this.#rules.set(what, { since: object.metadata.creationTimestamp ?? "", rules });
    else this.#rules.delete(what);
  }

  #healthChecks(): HealthCheck[] {
    const { services, slices, place } = this.#options;
    return services.list().flatMap((service) => {
      const port = service.spec.healthCheckNodePort;
      const { namespace = "", name } = service.metadata;
      if (!port) return [];
      const own = slices.by(serviceOfSlice, keyText(keyOf(service)));
      return [{ port, namespace, name, localEndpoints: readyLocalEndpoints(own, place.nodeName) }];
    });
  }
}

/** The Service of a slice, as "namespace/name". */
export function serviceOfSlice({ metadata: { namespace, labels } }: EndpointSlice): readonly string[] {
  const name = labels?.[serviceNameLabel];
  return name ? [`${namespace}/${name}`] : [];
}

/** The oldest first: who had an address and port keeps it. */
function inOrder(rules: ReadonlyMap<string, { since: string; rules: Ruleset }>): Ruleset[] {
  return [...rules].sort(([a, x], [b, y]) => compare(x.since, y.since) || compare(a, b)).map(([, { rules }]) => rules);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function wantsHostPorts({ spec }: Pod): boolean {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  return !spec.hostNetwork && containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort));
}
