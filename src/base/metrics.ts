/** A number under one or several sets of labels, as Prometheus reads it. A value that is not known is left out. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** `suffix`: what follows the metric's name; a histogram has several. */
export type Sample = readonly [labels: Labels, value: number | undefined, suffix?: string];
export type Labels = Readonly<Record<string, string>>;

/** What a process counts, gathered when somebody asks. Each part adds its own; names are Kubernetes' where it has one. */
export class Metrics {
  readonly #sources = new Set<() => readonly Metric[]>();

  add(source: () => readonly Metric[]): Disposable {
    this.#sources.add(source);
    return { [Symbol.dispose]: () => void this.#sources.delete(source) };
  }

  text(): string {
    return prometheusText([...this.#sources].flatMap((source) => source()));
  }
}

/** Prometheus, "Exposition formats": the text format. */
export function prometheusText(metrics: readonly Metric[], { atMs }: { atMs?: number } = {}): string {
  const time = atMs === undefined ? "" : ` ${Math.round(atMs)}`;
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.flatMap(([labels, value, suffix = ""]) =>
        value === undefined ? [] : `${name}${suffix}${labelsText(labels)} ${value}${time}\n`,
      );
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escaped)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

const escaped = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);

/** Something of which there is one for each set of labels, made when it is first asked for. Its caller bounds the sets. */
export class ByLabels<T> {
  readonly #names: readonly string[];
  readonly #make: () => T;
  readonly #all = new Map<string, { readonly labels: Labels; readonly value: T }>();

  constructor(names: readonly string[], make: () => T) {
    this.#names = names;
    this.#make = make;
  }

  of(...values: readonly string[]): T {
    const key = values.join("\n");
    const known = this.#all.get(key);
    if (known) return known.value;
    const labels = Object.fromEntries(this.#names.map((name, i) => [name, values[i] ?? ""]));
    const value = this.#make();
    this.#all.set(key, { labels, value });
    return value;
  }

  samples(show: (value: T, labels: Labels) => readonly Sample[]): Sample[] {
    return [...this.#all.values()].flatMap(({ labels, value }) => show(value, labels));
  }
}

export class Counter {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }
}

/** How often a value was at most each of some bounds, which ascend. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Uint32Array;
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Uint32Array(bounds.length);
  }

  observe(value: number): void {
    this.#count++;
    this.#sum += value;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.#counts[at]!++;
  }

  samples(labels: Labels): Sample[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, i): Sample => {
      below += this.#counts[i] ?? 0;
      return [{ ...labels, le: String(bound) }, below, "_bucket"];
    });
    return [
      ...buckets,
      [{ ...labels, le: "+Inf" }, this.#count, "_bucket"],
      [labels, this.#sum, "_sum"],
      [labels, this.#count, "_count"],
    ];
  }
}

/** A counter or gauge by labels. */
export function countersMetric(
  { name, help, type = "counter" }: { readonly name: string; readonly help: string; readonly type?: Metric["type"] },
  counters: ByLabels<Counter>,
): Metric {
  return { name, type, help, samples: counters.samples(({ value }, labels) => [[labels, value]]) };
}

export function histogramsMetric(
  { name, help }: { readonly name: string; readonly help: string },
  histograms: ByLabels<Histogram>,
): Metric {
  return { name, type: "histogram", help, samples: histograms.samples((one, labels) => one.samples(labels)) };
}
