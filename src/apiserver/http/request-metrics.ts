import type { ServerResponse } from "node:http";
import type { Clock } from "../../base/clock.ts";
import { ByLabels, Counter, countersMetric, Histogram, type Metric, type Sample } from "../../base/metrics.ts";
import type { Catalog } from "../registry/resources.ts";
import type { Outgoing } from "./exchange.ts";
import { isLongRunning, type RequestInfo } from "./request-info.ts";

// Kubernetes' bounds, in seconds: dashboards name some of them.
const durations = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

const verbs: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  post: "POST",
  update: "PUT",
  put: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};
const readVerbs = new Set(["get", "list", "watch", "head", "options"]);
const connected = new Set(["proxy", "exec", "attach", "portforward"]);

/** Paths beside the resources that are counted each by itself; what clients invent is counted together. */
const pages = /^\/(?:healthz|livez|readyz|version|metrics|api|apis|openapi\/v[23])(?:$|\/$)/;

const labelNames = ["component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"] as const;
type LabelNames = (typeof labelNames)[number];

/** All requests of one sort. */
interface Sort {
  readonly byCode: Map<number, number>;
  readonly seconds: Histogram;
  underWay: number;
}

/** Counts requests that come over the network, in Kubernetes' metrics. */
export class RequestMetrics {
  readonly #clock: Clock;
  readonly #catalog: Catalog;
  readonly #sorts = new ByLabels<Sort>(labelNames, () => ({
    byCode: new Map(),
    seconds: new Histogram(durations),
    underWay: 0,
  }));
  readonly #current = new ByLabels(["request_kind"], () => new Counter());
  readonly #queued = new ByLabels(["request_kind"], () => new Counter());

  constructor(clock: Clock, catalog: Catalog) {
    this.#clock = clock;
    this.#catalog = catalog;
    for (const counters of [this.#current, this.#queued])
      for (const kind of ["mutating", "readOnly"]) counters.of(kind);
  }

  /** Counts a request from now on until its answer is over. */
  begin(info: RequestInfo, outgoing: Outgoing, isDryRun: boolean): void {
    const sort = this.#sortOf(info, isDryRun);
    const fromMs = this.#clock.elapsed();
    const current = isLongRunning(info) ? undefined : this.#current.of(kindOf(info));
    sort.underWay++;
    current?.add();
    (outgoing as ServerResponse).once("close", () => {
      sort.underWay--;
      current?.add(-1);
      const { statusCode } = outgoing;
      sort.byCode.set(statusCode, (sort.byCode.get(statusCode) ?? 0) + 1);
      sort.seconds.observe((this.#clock.elapsed() - fromMs) / 1000);
    });
  }

  /** The request waits for its turn until the promise is settled. */
  queued<T>(info: RequestInfo, turn: Promise<T>): Promise<T> {
    const waiting = this.#queued.of(kindOf(info));
    waiting.add();
    return turn.finally(() => waiting.add(-1));
  }

  metrics(): Metric[] {
    return [
      {
        name: "apiserver_request_total",
        type: "counter",
        help: "Requests by what they asked for and the code of their answer.",
        samples: this.#sorts.samples(({ byCode }, labels) =>
          [...byCode].map(([code, count]): Sample => [{ code: String(code), ...labels }, count]),
        ),
      },
      {
        name: "apiserver_request_duration_seconds",
        type: "histogram",
        help: "Time from a request to the end of its answer, in seconds.",
        samples: this.#sorts.samples(({ seconds }, labels) =>
          labels.verb === "WATCH" || labels.verb === "CONNECT" ? [] : seconds.samples(labels),
        ),
      },
      {
        name: "apiserver_longrunning_requests",
        type: "gauge",
        help: "Watches, logs and proxied requests that are under way.",
        samples: this.#sorts.samples(({ underWay }, { dry_run: _, ...labels }) =>
          labels.verb === "WATCH" || labels.verb === "CONNECT" || labels.subresource === "log"
            ? [[labels, underWay]]
            : [],
        ),
      },
      countersMetric(
        {
          name: "apiserver_current_inflight_requests",
          help: "Requests being worked on, those that last aside.",
          type: "gauge",
        },
        this.#current,
      ),
      countersMetric(
        { name: "apiserver_current_inqueue_requests", help: "Requests that wait for their turn.", type: "gauge" },
        this.#queued,
      ),
    ];
  }

  #sortOf(info: RequestInfo, isDryRun: boolean): Sort {
    const { group, version, resource: plural, subresource: part, verb, path } = info;
    const resource = info.isResource ? this.#catalog.find(group, version, plural) : undefined;
    const isPart = resource !== undefined && part in resource.kind.subresources;
    const values: Record<LabelNames, string> = {
      component: "apiserver",
      dry_run: isDryRun ? "All" : "",
      group: resource ? group : "",
      resource: resource ? plural : "",
      scope: scopeOf(info),
      subresource: resource ? (isPart ? part : "") : pages.test(path) ? path : "",
      verb: isPart && connected.has(part) ? "CONNECT" : (verbs[verb] ?? "OTHER"),
      version: resource ? version : "",
    };
    return this.#sorts.of(...labelNames.map((name) => values[name]));
  }
}

function kindOf({ verb }: RequestInfo): string {
  return readVerbs.has(verb) ? "readOnly" : "mutating";
}

function scopeOf({ isResource, name, verb, namespace }: RequestInfo): string {
  if (!isResource) return "";
  if (name !== "" || verb === "create") return "resource";
  return namespace === "" ? "cluster" : "namespace";
}
