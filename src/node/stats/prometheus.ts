/** A number under one or several sets of labels, as Prometheus reads it. A value that is not known is left out. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number | undefined])[];
}

/** Prometheus, "Exposition formats": the text format. */
export function prometheusText(metrics: readonly Metric[], { atMs }: { atMs?: number } = {}): string {
  const time = atMs === undefined ? "" : ` ${Math.round(atMs)}`;
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.flatMap(([labels, value]) =>
        value === undefined ? [] : `${name}${labelsText(labels)} ${value}${time}\n`,
      );
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escaped)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

const escaped = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);
