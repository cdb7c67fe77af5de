import { type Metric, prometheusText } from "../../base/metrics.ts";
import type { ContainerUsage, PodUsage } from "./collect.ts";
import { type MachineUsage, total } from "./report.ts";

export interface MetricInputs {
  readonly pods: readonly PodUsage[];
  readonly machine: MachineUsage;
  readonly nowMs: number;
}

const seconds = (nanos: number | undefined) => (nanos === undefined ? undefined : nanos / 1e9);

/** /metrics/resource: what metrics-server reads. */
export function resourceMetrics({ pods, machine, nowMs }: MetricInputs): string {
  const perContainer = (value: (each: ContainerUsage) => number | undefined): Metric["samples"] =>
    pods.flatMap(({ namespace, name, containers }) =>
      containers.map((each) => [{ container: each.name, namespace, pod: name }, value(each)] as const),
    );
  const perPod = (value: (pod: PodUsage) => number | undefined): Metric["samples"] =>
    pods.map((pod) => [{ namespace: pod.namespace, pod: pod.name }, value(pod)] as const);
  const metrics: Metric[] = [
    {
      name: "container_cpu_usage_seconds_total",
      type: "counter",
      help: "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
      samples: perContainer(({ cpuNanos }) => seconds(cpuNanos)),
    },
    {
      name: "container_memory_working_set_bytes",
      type: "gauge",
      help: "[STABLE] Current working set of the container in bytes",
      samples: perContainer(({ workingSetBytes }) => workingSetBytes),
    },
    {
      name: "container_start_time_seconds",
      type: "gauge",
      help: "[STABLE] Start time of the container since unix epoch in seconds",
      samples: perContainer(({ startedAtMs }) => startedAtMs / 1000),
    },
    {
      name: "node_cpu_usage_seconds_total",
      type: "counter",
      help: "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
      samples: [[{}, seconds(machine.cpuNanos)]],
    },
    {
      name: "node_memory_working_set_bytes",
      type: "gauge",
      help: "[STABLE] Current working set of the node in bytes",
      samples: [[{}, machine.totalBytes - machine.availableBytes]],
    },
    {
      name: "pod_cpu_usage_seconds_total",
      type: "counter",
      help: "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
      samples: perPod(({ containers }) => seconds(total(containers, "cpuNanos"))),
    },
    {
      name: "pod_memory_working_set_bytes",
      type: "gauge",
      help: "[STABLE] Current working set of the pod in bytes",
      samples: perPod(({ containers }) => total(containers, "workingSetBytes")),
    },
    {
      name: "resource_scrape_error",
      type: "gauge",
      help: "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
      samples: [[{}, 0]],
    },
  ];
  return prometheusText(metrics, { atMs: nowMs });
}

/** /metrics/cadvisor: what dashboards for containers read, as far as the kernel says it at no cost. */
export function cadvisorMetrics({ pods, machine, nowMs }: MetricInputs): string {
  const perContainer = (value: (each: ContainerUsage) => number | undefined): Metric["samples"] =>
    pods.flatMap(({ namespace, name, containers }) =>
      containers.map(
        (each) =>
          [
            { container: each.name, id: `/${each.id}`, image: each.image, name: each.id, namespace, pod: name },
            value(each),
          ] as const,
      ),
    );
  const perLink = (value: (network: NonNullable<PodUsage["network"]>) => number): Metric["samples"] =>
    pods.map(({ namespace, name, network }) => [
      { interface: "eth0", namespace, pod: name },
      network && value(network),
    ]);
  const gauge = (name: string, help: string, samples: Metric["samples"]): Metric => ({
    name,
    type: "gauge",
    help,
    samples,
  });
  const counter = (name: string, help: string, samples: Metric["samples"]): Metric => ({
    name,
    type: "counter",
    help,
    samples,
  });
  return prometheusText(
    [
      counter(
        "container_cpu_usage_seconds_total",
        "Cumulative cpu time consumed in seconds.",
        perContainer(({ cpuNanos }) => seconds(cpuNanos)),
      ),
      gauge(
        "container_memory_usage_bytes",
        "Current memory usage in bytes.",
        perContainer(({ memoryBytes }) => memoryBytes),
      ),
      gauge(
        "container_memory_working_set_bytes",
        "Current working set in bytes.",
        perContainer(({ workingSetBytes }) => workingSetBytes),
      ),
      gauge(
        "container_memory_rss",
        "Size of RSS in bytes.",
        perContainer(({ rssBytes }) => rssBytes),
      ),
      gauge(
        "container_start_time_seconds",
        "Start time of the container since unix epoch in seconds.",
        perContainer(({ startedAtMs }) => startedAtMs / 1000),
      ),
      gauge(
        "container_last_seen",
        "Last time a container was seen by the exporter.",
        perContainer(() => Math.floor(nowMs / 1000)),
      ),
      counter(
        "container_network_receive_bytes_total",
        "Cumulative count of bytes received.",
        perLink(({ receivedBytes }) => receivedBytes),
      ),
      counter(
        "container_network_transmit_bytes_total",
        "Cumulative count of bytes transmitted.",
        perLink(({ sentBytes }) => sentBytes),
      ),
      gauge("machine_memory_bytes", "Amount of memory installed on the machine.", [[{}, machine.totalBytes]]),
    ],
    { atMs: nowMs },
  );
}
