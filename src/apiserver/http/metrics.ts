import type { Store } from "../../store/contract.ts";
import { type Catalog, storePrefix } from "../registry/resources.ts";
import type { Incoming, Outgoing } from "./exchange.ts";

/** Counts what the server does, for /metrics (Prometheus' text format). */
export class Metrics {
  readonly #store: Store;
  readonly #catalog: Catalog;
  /** By method and code. */
  readonly #requests = new Map<string, Map<number, number>>();
  #inFlight = 0;

  constructor(store: Store, catalog: Catalog) {
    this.#store = store;
    this.#catalog = catalog;
  }

  count({ method = "" }: Incoming, outgoing: Outgoing): void {
    this.#inFlight++;
    outgoing.on("close", () => {
      this.#inFlight--;
      const byCode = this.#requests.get(method) ?? new Map<number, number>();
      this.#requests.set(method, byCode);
      byCode.set(outgoing.statusCode, (byCode.get(outgoing.statusCode) ?? 0) + 1);
    });
  }

  text(): string {
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    return [
      ...metric("apiserver_request_total", "counter", "Requests by method and code.", this.#requestSamples()),
      ...metric("apiserver_current_inflight_requests", "gauge", "Requests being worked on.", [["", this.#inFlight]]),
      ...metric("apiserver_storage_objects", "gauge", "Objects stored by resource.", this.#objectSamples()),
      ...metric("process_resident_memory_bytes", "gauge", "Resident memory.", [["", memory.rss]]),
      ...metric("process_cpu_seconds_total", "counter", "CPU time used.", [["", (cpu.user + cpu.system) / 1e6]]),
      "",
    ].join("\n");
  }

  #requestSamples(): Sample[] {
    return [...this.#requests].flatMap(([method, byCode]) =>
      [...byCode].map(([code, count]): Sample => [`{code="${code}",verb="${method}"}`, count]),
    );
  }

  #objectSamples(): Sample[] {
    const buckets = new Set<string>();
    const samples: Sample[] = [];
    for (const resource of this.#catalog.all()) {
      if (buckets.has(resource.bucket) || !resource.kind.verbs.includes("list")) continue;
      buckets.add(resource.bucket);
      samples.push([`{resource="${resource.bucket}"}`, this.#store.count(storePrefix(resource, undefined))]);
    }
    return samples;
  }
}

type Sample = readonly [labels: string, value: number];

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
