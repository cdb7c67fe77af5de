import type { Metric } from "../../base/metrics.ts";

/** How often the probes of running containers said what: the series of /metrics/probes. */
export interface ProbeCounts {
  count(probe: ProbedBy, result: "success" | "failure" | "unknown"): void;
  /** Forgets a pod that is gone. */
  forget(podUid: string): void;
  metric(): Metric;
}

export interface ProbedBy {
  readonly podUid: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly sort: "startup" | "readiness" | "liveness";
}

const words = { success: "successful", failure: "failed", unknown: "unknown" } as const;
const sorts = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" } as const;

export function openProbeCounts(): ProbeCounts {
  /** By pod, by the series' labels. */
  const counts = new Map<string, Map<string, { labels: Readonly<Record<string, string>>; value: number }>>();
  return {
    count({ podUid, namespace, pod, container, sort }, result) {
      const ofPod = counts.get(podUid) ?? new Map();
      counts.set(podUid, ofPod);
      const key = `${container}/${sort}/${result}`;
      const labels = { container, namespace, pod, pod_uid: podUid, probe_type: sorts[sort], result: words[result] };
      ofPod.set(key, { labels, value: (ofPod.get(key)?.value ?? 0) + 1 });
    },
    forget: (podUid) => void counts.delete(podUid),
    metric: () => ({
      name: "prober_probe_total",
      type: "counter",
      help: "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
      samples: [...counts.values()].flatMap((ofPod) =>
        [...ofPod.values()].map(({ labels, value }) => [labels, value] as const),
      ),
    }),
  };
}
